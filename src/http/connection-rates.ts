import { z } from 'zod'
import { count, type OptionsOf, option, optionSet } from '../base/options.ts'

/** What bounds the new connections of an address. */
export const connectionRateOptions = optionSet({
  connectionsPerSecond: option(z.number().positive(), 'new connections/s of an address on average', 200),
  connectionBurst: option(count, 'new connections of an address at once', 2000),
})

/** New connections of an address. */
export type ConnectionRates = OptionsOf<typeof connectionRateOptions.shape>

/** Both, with their defaults. */
export function connectionRateOf(rates: ConnectionRates): [perSecond: number, burst: number] {
  const { connectionsPerSecond, connectionBurst } = connectionRateOptions.parse(
    connectionRateOptions.given(rates),
  )
  return [connectionsPerSecond, connectionBurst]
}
