import { dateLocale } from './language.ts'

/** Milliseconds for people. */
export function milliseconds(value: number): string {
  if (value >= 1000) return `${(value / 1000).toFixed(1)} s`
  return `${value >= 10 || value === 0 ? value.toFixed(0) : value.toFixed(1)} ms`
}

/** A number in few characters: 999, 1.2k, 34k, 1.5M. */
export function short(value: number): string {
  if (Math.abs(value) < 999.5) return String(Math.round(value))
  const [divided, unit] = value < 999_500 ? [value / 1000, 'k'] : [value / 1e6, 'M']
  return `${divided < 9.95 ? divided.toFixed(1) : divided.toFixed(0)}${unit}`
}

const THOUSANDS = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })

/** A whole number for people: 12,345. */
export const whole = (value: number) => THOUSANDS.format(value)

/** Seconds since the run began, as a clock: `20 s`, `3:20`, `1:02:00`. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds))
  if (whole < 60) return `${whole} s`
  const two = (value: number) => String(value).padStart(2, '0')
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60]
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`
}

let originMs: number | undefined

/** The moment of time 0, milliseconds since 1970; without it times are those since the run began. */
export function setOrigin(startMs: number | undefined): void {
  originMs = startMs
}

/** Seconds to add to a time of the run so that whole days, hours and minutes are those of this place. */
export function originSeconds(): number {
  return originMs === undefined ? 0 : originMs / 1000 - new Date(originMs).getTimezoneOffset() * 60
}

const MOMENT = new Intl.DateTimeFormat(dateLocale, { timeStyle: 'medium', hourCycle: 'h23' })
const DATED = new Intl.DateTimeFormat(dateLocale, {
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
})
const DAY_MS = 86_400_000

/** A moment as the clock of this place shows it: with its day when it is some time ago. */
export const momentOf = (ms: number) => (Date.now() - ms < DAY_MS / 2 ? MOMENT : DATED).format(ms)

/** A time of the run as the clock of this place shows it, else as seconds since it began. */
export function moment(seconds: number): string {
  return originMs === undefined ? clock(seconds) : momentOf(originMs + seconds * 1000)
}

/** A tick of a time axis whose ticks are `step` seconds apart: `20 s`, `3:20`, `1 h`. */
export function tick(seconds: number, step: number): string {
  if (originMs !== undefined) {
    const local = Math.round(seconds + originSeconds())
    const two = (value: number) => String(value).padStart(2, '0')
    const [hour, minute, second] = [Math.floor(local / 3600) % 24, Math.floor(local / 60) % 60, local % 60]
    return `${two(hour)}:${two(minute)}${step < 60 ? `:${two(second)}` : ''}`
  }
  const short = seconds % 3600 === 0 || step >= 3600
  return short && seconds >= 3600 ? `${+(seconds / 3600).toFixed(1)} h` : clock(seconds)
}
