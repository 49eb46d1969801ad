/** Appends until the log rejects, then reads and repeats; prints what came of it as JSON. */
import { EmbeddedRoomLog } from '../src/chat/log/embedded/embedded.ts'

const log = EmbeddedRoomLog.open(process.argv[2]!)
const send = (id: number) => log.append({ room: 'r', user: 'ann', id: `${id}`, body: 'x'.repeat(8000) })
let kept = 0
let error = ''
for (let id = 1; id < 1000 && !error; id++) {
  try {
    await send(id)
    kept++
  } catch (rejection) {
    error = String(rejection)
  }
}
let read = 0
for (
  let page = await log.read('r', 0, 1000);
  page.entries.length > 0;
  page = await log.read('r', read, 1000)
) {
  read += page.entries.length
}
const again = await send(1)
await log.close()
console.log(JSON.stringify({ kept, error, read, again }))
