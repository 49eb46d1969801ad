/** The load at one moment; `undefined` is missing, which is never the same as no load. */
export type LoadReading =
  | { readonly load: number; readonly ageSeconds: number }
  | { readonly load: undefined; readonly reason: string }

/** Where the load of a workload that is not our chat is read from. */
export interface LoadSource {
  readonly description: string
  /** Never rejects: what cannot be read is missing, for the reason that it names. */
  read(signal: AbortSignal): Promise<LoadReading>
}
