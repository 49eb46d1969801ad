import { type RecordedFleet, type WhatIfSettings, whatIf } from '../../src/backtest/what-if.ts'
import type { PolicySpec } from '../../src/scaling/policies.ts'

export interface WhatIfQuestion {
  readonly recorded: RecordedFleet
  readonly policy: PolicySpec
  readonly settings: WhatIfSettings
}

/** Replays off the page's own thread, so that the page keeps up with the fleet. */
addEventListener('message', ({ data }: MessageEvent<WhatIfQuestion>) => {
  try {
    postMessage({ result: whatIf(data.recorded, data.policy, data.settings) })
  } catch (error) {
    const { message, hint } = error as Error & { hint?: string }
    postMessage({ problem: hint ? `${message}; ${hint}` : message })
  }
})
