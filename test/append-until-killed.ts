/** Appends as fast as the disk takes it and prints what was acknowledged, until it is killed. */
import { writeSync } from 'node:fs'
import { EmbeddedRoomLog } from '../src/chat/log/embedded/embedded.ts'

const [folder, round] = process.argv.slice(2) as [string, string]
const log = EmbeddedRoomLog.open(folder, { segmentBytes: 4096 })
for (let n = 0; ; n += 20) {
  await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const id = `${round}-${n + i}`
      const { seq } = await log.append({ room: 'r', user: 'ann', id, body: 'hello' })
      writeSync(1, `${id} ${seq}\n`)
    }),
  )
}
