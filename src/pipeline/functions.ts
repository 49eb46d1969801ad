import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Rng } from '../base/rng.ts'
import type { Fleet } from '../fleet/fleet.ts'

/** What an operator may rely on while it is open. The same `clock` and `fleet` are given to every operator. */
export interface OperatorContext {
  readonly clock: Clock
  /** A stream of the run's seed that belongs to this operator alone. */
  readonly rng: Rng
  readonly logger: Logger
  /** The one fleet of the run: what the scaler does, the balancer sees. */
  readonly fleet: Fleet
  /**
   * Takes what a policy or a listener threw where the run must survive it, as on a fleet that serves. Without it such an error
   * ends the run.
   */
  readonly onFault?: (where: string, error: unknown) => void
}

/** What every operator has: `open` and `close` run once each, in pipeline order, also after an error or abort. */
abstract class Operator {
  /** Called once before the first item. */
  open(_context: OperatorContext): void {}
  /** Called once after the last item, also when `open` of this or a later operator threw. */
  close(): void {}
}

/**
 * Produces items until it ends. An item with a numeric `time` (seconds) moves the run's clock to that time before
 * anyone sees it; times never decrease. An item is valid until the next `execute`, so that a source may reuse it.
 */
export abstract class BatchFunction<Out> extends Operator {
  /** The next item, or `undefined` at the end. */
  abstract execute(): Out | undefined
}

/** One item in, one item out. */
export abstract class MapFunction<In, Out> extends Operator {
  abstract execute(item: In): Out
}

/** Takes items, and may contribute named fields to the result of the run. */
export abstract class SinkFunction<In, Result extends object = object> extends Operator {
  abstract execute(item: In): void
  /** Called once after every `close`. */
  abstract result(): Result
}
