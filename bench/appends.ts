/**
 * Appends a second of the hub, on disk, and its CPU time for one: a chat server in this process sends messages of about 200
 * bytes to 1,000 rooms, receives all that is appended, and has a window of them in flight. `npm run bench:appends -- [seconds]
 * [rounds] [window]`
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { RemoteRoomLog } from '../src/chat/hub/remote-room-log.ts'
import { BODY } from './support/dialects.ts'
import { cpuSeconds, sleep, start, stop } from './support/processes.ts'

const [seconds = 5, rounds = 3, window = 2000] = process.argv.slice(2).map(Number)
const ROOMS = 1000

for (let round = 0; round < rounds; round++) {
  const data = mkdtempSync(join(tmpdir(), 'appends-'))
  const { child } = await start<string>(
    'support/hub-process.ts',
    [data],
    ['pipe', 'inherit', 'inherit', 'ipc', 'pipe'],
  )
  const log = await RemoteRoomLog.connect(
    child.stdio[4] as unknown as Duplex,
    () => {},
    () => {},
  )
  let received = 0
  for (let room = 0; room < ROOMS; room++) await log.subscribe(`room-${room}`, () => void received++)
  let sent = 0
  let acked = 0
  let rejected = 0
  let running = true
  let isWaiting = false
  const fill = () => {
    while (running && sent - acked - rejected < window) {
      const i = sent++
      const message = { room: `room-${i % ROOMS}`, user: `user-${i % 5000}`, id: `${i}`, body: BODY }
      log.append(message).then(
        () => {
          acked++
          if (sent - acked - rejected < window / 2) fill()
        },
        () => {
          rejected++
          if (isWaiting) return
          isWaiting = true
          setTimeout(() => {
            isWaiting = false
            fill()
          }, 20)
        },
      )
    }
  }
  fill()
  await sleep(2)
  const [before, cpu, began] = [acked, cpuSeconds(child.pid!), performance.now()]
  await sleep(seconds)
  const [count, used] = [acked - before, cpuSeconds(child.pid!) - cpu]
  const elapsed = (performance.now() - began) / 1000
  running = false
  while (acked + rejected < sent || received < acked) await sleep(0.05)
  console.log(
    `${((count / elapsed) | 0).toLocaleString('en')} appends/s, ${((1e6 * used) / count).toFixed(1)} µs of CPU each: ${((count / used) | 0).toLocaleString('en')} a core`,
  )
  await log.close()
  await stop(child)
  rmSync(data, { recursive: true, force: true })
}
