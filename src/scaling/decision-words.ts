import type { Decision } from './types.ts'

const LIMITS: Record<NonNullable<Decision['limitedBy']>, string> = {
  min: 'the fleet is never smaller',
  max: 'the fleet is never larger',
  cooldown: 'the last scaling event was too short a time ago',
  stabilization: 'it did not want so for long enough',
  step: 'one decision may change no more',
  'missing-metrics': 'nothing is removed while figures are missing',
}

/** `1 server`, `2 servers`. */
export const serversText = (count: number) => `${count} ${count === 1 ? 'server' : 'servers'}`
const round = (value: number) => String(+value.toPrecision(5))
export const secondsText = (time: number) => `${+time.toFixed(2)} s`

/**
 * One decision as a sentence with its numbers.
 * @param at a time of the run for people
 */
export function decisionSentence(decision: Decision, at: (time: number) => string = secondsText): string {
  const { time, action, from, to, desired, load, policy, reason, limitedBy, numbers = {} } = decision
  const { forecast, shadow } = decision
  const users = load === undefined ? 'with the load unknown' : `with ${round(load)} users`
  const did = shadow
    ? action === 'none'
      ? `the shadow would have stayed at ${serversText(from)}`
      : `the shadow would have gone from ${from} to ${serversText(to)}`
    : action === 'none'
      ? `it stayed at ${serversText(from)}`
      : `it went from ${from} to ${serversText(to)}`
  const wish =
    desired === to
      ? ''
      : ` It wanted ${serversText(desired)}${limitedBy ? `, but ${LIMITS[limitedBy]}` : ''}.`
  const ahead = forecast
    ? ` It expected ${round(forecast.expected)} users at ${at(forecast.time)}, and was ${round(forecast.confidence * 100)} % sure of ` +
      `${round(forecast.low)} to ${round(forecast.high)}.`
    : ''
  const finite = Object.entries(numbers).filter(([, value]) => Number.isFinite(value))
  const list = finite.map(([name, value]) => `${name} ${round(value)}`).join(', ')
  return `At ${at(time)}, ${users}, ${did}: ${policy} saw that ${reason}.${wish}${ahead}${list ? ` (${list})` : ''}`
}
