import { canRedraw } from './view.ts'

/** Seconds for people. */
function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`
}

/** Shows how far a long search is, how long it has taken and about how long it still takes: on a terminal; nothing in a pipe. */
export function countProgress(what: string): { onProgress(done: number, of: number): void; end(): void } {
  const { stderr } = process
  if (!canRedraw(stderr)) return { onProgress: () => {}, end: () => {} }
  const began = performance.now()
  let [done, of] = [0, 0]
  const show = () => {
    const elapsed = (performance.now() - began) / 1000
    const left = done > 0 ? `, about ${duration((elapsed / done) * (of - done))} left` : ''
    stderr.write(`\r\x1b[K${of > 0 ? `${done} of ${of} ${what}, ` : ''}${duration(elapsed)}${left}`)
  }
  const timer = setInterval(show, 500)
  return {
    onProgress(nowDone, nowOf) {
      ;[done, of] = [nowDone, nowOf]
    },
    end() {
      clearInterval(timer)
      stderr.write('\r\x1b[K')
    },
  }
}
