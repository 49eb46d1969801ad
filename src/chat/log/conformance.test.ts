import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { Hub } from '../hub/hub.ts'
import { RemoteRoomLog } from '../hub/remote-room-log.ts'
import { streamPair } from '../hub/stream-pair.ts'
import { roomLogChecks } from './conformance.ts'
import { type EmbeddedLogOptions, EmbeddedRoomLog } from './embedded/embedded.ts'
import { MemoryRoomLog } from './memory.ts'
import type { RoomLog } from './room-log.ts'

type Opened = Promise<{ log: RoomLog; close(): Promise<void> }>

async function embedded(options?: EmbeddedLogOptions): Opened {
  const folder = mkdtempSync(join(tmpdir(), 'room-log-'))
  const log = EmbeddedRoomLog.open(folder, options)
  return {
    log,
    close: async () => {
      await log.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function throughTheHub(): Opened {
  const { log, close } = await embedded()
  const hub = new Hub(log)
  const [near, far] = streamPair()
  hub.attach(far, 1)
  const remote = await RemoteRoomLog.connect(
    near,
    () => {},
    () => {},
  )
  return { log: remote, close: () => hub.close().then(close) }
}

describe.each<[string, () => Opened]>([
  [
    'memory',
    async () => {
      const log = new MemoryRoomLog()
      return { log, close: () => log.close() }
    },
  ],
  ['embedded', () => embedded()],
  ['embedded, tiny segments', () => embedded({ segmentBytes: 4096 })],
  ['embedded, through the hub', throughTheHub],
])('room log contract: %s', (_, open) => {
  for (const { name, run } of roomLogChecks(open)) it(name, run)
})
