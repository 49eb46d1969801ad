/** Opens the log in a folder and prints `open` or the error's code; then appends each line of its input and prints what came of it. */
import { createInterface } from 'node:readline'
import { EmbeddedRoomLog } from '../src/chat/log/embedded/embedded.ts'

const [folder, at = '0'] = process.argv.slice(2) as [string, string?]
while (Date.now() < Number(at)) {} // many start at the same moment
try {
  const log = EmbeddedRoomLog.open(folder)
  console.log('open')
  for await (const id of createInterface({ input: process.stdin })) {
    try {
      const { seq } = await log.append({ room: 'r', user: 'ann', id, body: 'hello' })
      console.log(`${id} ${seq}`)
    } catch (error) {
      console.log(`${id} ${(error as Error).message}`)
    }
  }
  await log.close()
} catch (error) {
  console.log((error as { code?: string }).code ?? String(error))
}
