const DAY = 86_400
const WEEK = 7 * DAY
const WORKING_DAYS = 5

/** From Monday to Friday, hours of the day: `from` 8, `to` 18.5 is until half past six. */
export interface BusinessHours {
  readonly from: number
  readonly to: number
}

/** Seconds since Monday, 0:00 UTC, of a moment in seconds since 1970, which was a Thursday. */
export function timeOfWeek(epochSeconds: number): number {
  return (epochSeconds + 3 * DAY) % WEEK
}

/** Business seconds since a Monday, 0:00. */
function secondsSinceMonday({ from, to }: BusinessHours, time: number): number {
  const ofDay = (to - from) * 3600
  const days = Math.floor(time / DAY)
  const today = days % 7 < WORKING_DAYS ? Math.min(ofDay, Math.max(0, (time % DAY) - from * 3600)) : 0
  return (WORKING_DAYS * Math.floor(days / 7) + Math.min(WORKING_DAYS, days % 7)) * ofDay + today
}

/** Seconds between two times, in seconds since a Monday, 0:00, that are business hours. */
export function businessSeconds(hours: BusinessHours, begin: number, end: number): number {
  return secondsSinceMonday(hours, end) - secondsSinceMonday(hours, begin)
}
