import type { RecordedClock } from '../traffic/load-pattern.ts'

/** Steps of a time axis, seconds. */
const STEPS = [
  0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200,
  86_400, 172_800, 604_800, 1_209_600, 2_592_000, 31_536_000,
]
const DAY = 86_400

const two = (value: number) => String(value).padStart(2, '0')

/** Seconds since a run began, for people: `20 s`, `3:20`, `1:02:00`. */
export function elapsed(seconds: number): string {
  const [whole, rest] = [Math.floor(seconds + 1e-9), seconds % 1]
  if (whole < 60) return `${+seconds.toFixed(2)} s`
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60]
  const part = rest > 0.005 && rest < 0.995 ? rest.toFixed(2).slice(1) : ''
  const last = `${two(whole % 60)}${part}`
  return hours > 0 ? `${hours}:${two(minutes)}:${last}` : `${minutes}:${last}`
}

/** `time` of a run as a date, in UTC: `2026-03-05 14:05:10`. */
export function moment(time: number, { startMs, speed }: RecordedClock): string {
  return new Date(startMs + time * speed * 1000).toISOString().slice(0, 19).replace('T', ' ')
}

/** A time of a run for people: of its clock, if it has one, else since it began. */
export function timeText(time: number, clock: RecordedClock | undefined): string {
  return clock ? moment(time, clock) : elapsed(time)
}

export interface TimeTick {
  readonly time: number
  readonly label: string
}

function clockLabel(ms: number, step: number): string {
  const [date, time] = new Date(ms).toISOString().split('T') as [string, string]
  if (step >= DAY) return step >= 365 * DAY ? date.slice(0, 7) : date.slice(5)
  if (ms % (DAY * 1000) === 0) return date.slice(5)
  return time.slice(0, step < 60 ? 8 : 5)
}

/** Round times from 0 to `duration` seconds of a run, about `most` of them. */
export function timeTicks(duration: number, clock: RecordedClock | undefined, most = 8): TimeTick[] {
  const { startMs, speed } = clock ?? { startMs: 0, speed: 1 }
  const shown = duration * speed
  const step = STEPS.find((each) => shown / each <= most) ?? Math.ceil(shown / most)
  const first = Math.ceil(startMs / 1000 / step - 1e-9)
  const ticks: TimeTick[] = []
  for (let i = first; i * step * 1000 <= startMs + shown * 1000 + 1e-6; i++) {
    const ms = Math.round(i * step * 1000)
    const time = (ms - startMs) / 1000 / speed
    ticks.push({ time, label: clock ? clockLabel(ms, step) : axisLabel(time, step) })
  }
  return ticks
}

function axisLabel(time: number, step: number): string {
  if (step >= DAY) return `${+(time / DAY).toFixed(1)} d`
  return time >= 3600 && (step >= 3600 || time % 3600 === 0)
    ? `${+(time / 3600).toFixed(1)} h`
    : elapsed(time)
}
