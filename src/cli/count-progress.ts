import type { LogFlags } from './flags.ts'
import { resultLogger } from './service-logger.ts'
import { canRedraw } from './view.ts'

const DRAW_MS = 500
const LOG_MS = 5000

/** How far something is: in words, and as fields for programs. */
interface Reached {
  readonly text: string
  readonly fields: Record<string, unknown>
}

/** Seconds for people. */
function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`
}

/**
 * Shows how far a command is, while it runs: on a terminal in a line of its own that is drawn again, elsewhere as lines of the log
 * where its level is info or debug.
 * @param reached called for each line
 */
export function showReached(flags: LogFlags, reached: () => Reached): { end(): void } {
  const { stderr } = process
  const { quiet, verbose, logLevel, logFormat } = flags
  if (canRedraw(stderr) && !quiet && !verbose && !logLevel && logFormat !== 'json') {
    const timer = setInterval(() => stderr.write(`\r\x1b[K${reached().text}`), DRAW_MS)
    return {
      end() {
        clearInterval(timer)
        stderr.write('\r\x1b[K')
      },
    }
  }
  const logger = resultLogger(flags, undefined)
  const log = () => {
    const { text, fields } = reached()
    logger.info(text, fields)
  }
  const timer = setInterval(log, LOG_MS)
  let ended = false
  return {
    end() {
      clearInterval(timer)
      if (!ended) log()
      ended = true
    },
  }
}

/** Shows how far a long search is, how long it has taken and about how long it still takes. */
export function countProgress(
  what: string,
  flags: LogFlags = {},
): { onProgress(done: number, of: number): void; end(): void } {
  const began = performance.now()
  let [done, of] = [0, 0]
  const { end } = showReached(flags, () => {
    const elapsed = (performance.now() - began) / 1000
    const left = done > 0 && done < of ? `, about ${duration((elapsed / done) * (of - done))} left` : ''
    const text = `${of > 0 ? `${done} of ${of} ${what}, ` : ''}${duration(elapsed)}${left}`
    return { text, fields: { done, of, seconds: +elapsed.toFixed(1) } }
  })
  return {
    onProgress(nowDone, nowOf) {
      ;[done, of] = [nowDone, nowOf]
    },
    end,
  }
}
