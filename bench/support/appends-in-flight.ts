import { Histogram } from '../../src/base/histogram.ts'
import type { RoomLog } from '../../src/chat/log/room-log.ts'

export interface AppendLoad {
  /** Of every message's user, so that no two loads send the same message. */
  readonly name: string
  readonly rooms: number
  readonly inFlight: number
  readonly seconds: number
  readonly body: string
}

export interface AppendFigures {
  readonly perSecond: number
  readonly rejected: number
  /** Of this process. */
  readonly cores: number
  readonly seconds: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Keeps so many appends in flight for a while, over rooms `room-0` and on. */
export async function appendsInFlight(
  log: RoomLog,
  { name, rooms, inFlight, seconds, body }: AppendLoad,
): Promise<AppendFigures> {
  const latency = new Histogram()
  const began = performance.now()
  const cpu = process.cpuUsage()
  let acknowledged = 0
  let rejected = 0
  const send = async (sender: number) => {
    for (let i = 0; performance.now() < began + seconds * 1000; i++) {
      const at = performance.now()
      const room = `room-${(sender * 7 + i) % rooms}`
      try {
        await log.append({ room, user: `${name}-${sender}`, id: `${i}`, body })
      } catch {
        rejected++
        continue
      }
      latency.record((performance.now() - at) / 1000)
      acknowledged++
    }
  }
  await Promise.all(Array.from({ length: inFlight }, (_, sender) => send(sender)))
  const took = (performance.now() - began) / 1000
  const { user, system } = process.cpuUsage(cpu)
  const ms = (q: number) => latency.quantile(q) * 1000
  return {
    perSecond: acknowledged / took,
    rejected,
    cores: (user + system) / 1e6 / took,
    seconds: took,
    p50Ms: ms(0.5),
    p99Ms: ms(0.99),
  }
}
