import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { ConcertinaError } from '../../base/errors.ts'
import { describeDamage, scanLog } from '../../chat/log/embedded/recovery.ts'
import { block, userLines } from '../../report/terminal.ts'
import { HistoryChecker, type LoggedMessage } from '../../verify/checker.ts'
import type { HistoryEvent } from '../../verify/events.ts'
import { requirePromise } from './demo.ts'

export interface VerifyFlags {
  history: string
  data?: string
  json?: boolean
}

async function* readHistory(file: string): AsyncIterable<HistoryEvent> {
  let n = 0
  try {
    for await (const line of createInterface({ input: createReadStream(file) })) {
      n++
      if (line === '') continue
      const event = JSON.parse(line) as HistoryEvent
      if (typeof event?.type !== 'string') throw new SyntaxError('no event')
      yield event
    }
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw new ConcertinaError('INVALID_INPUT', `${file}:${n}: this is not an event of a history`, {
        hint: 'a file that --history wrote, whole',
      })
    }
    throw new ConcertinaError(
      'FILE_ACCESS',
      `${file}: cannot be read (${(error as NodeJS.ErrnoException).code})`,
      {
        hint: 'a file that --history wrote',
      },
    )
  }
}

function* readLog(folder: string): Iterable<LoggedMessage> {
  try {
    for (const { messages, damage } of scanLog(folder)) {
      for (const each of damage)
        if (each.kind !== 'torn-tail') console.error(`concertina: ${describeDamage(each)}`)
      yield* messages
    }
  } catch (error) {
    throw new ConcertinaError(
      'FILE_ACCESS',
      `${folder}: cannot be read (${(error as NodeJS.ErrnoException).code})`,
      {
        hint: 'the folder of a room log (--data)',
      },
    )
  }
}

/** `concertina verify`: whether what users saw, and the final log, keep the promise of a room. */
export async function verify(flags: VerifyFlags): Promise<void> {
  const checker = new HistoryChecker()
  for await (const event of readHistory(flags.history)) checker.record(event)
  const checks = checker.check(flags.data === undefined ? undefined : readLog(flags.data))
  if (flags.json) console.log(JSON.stringify(checks))
  else
    console.log(
      block('🔎 The promise of a room', [
        ['Sent, acknowledged', `${checks.sent}, ${checks.acked}`],
        ...userLines({ checks }),
      ]),
    )
  requirePromise(checks)
}
