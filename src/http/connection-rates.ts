/** New connections of an address. */
export interface ConnectionRates {
  /** Per second on average; default 200. */
  readonly connectionsPerSecond?: number | undefined
  /** At once; default 2,000. */
  readonly connectionBurst?: number | undefined
}

/** Both, with their defaults. */
export const rateOf = ({ connectionsPerSecond = 200, connectionBurst = 2000 }: ConnectionRates) =>
  [connectionsPerSecond, connectionBurst] as const
