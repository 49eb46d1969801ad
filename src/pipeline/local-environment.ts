import { type VirtualClock, virtualClock } from '../base/clock.ts'
import { ConcertinaError, messageOf } from '../base/errors.ts'
import { type KeysOf, requireKnown } from '../base/known-keys.ts'
import { type Logger, silentLogger } from '../base/logger.ts'
import { type Rng, seededRng } from '../base/rng.ts'
import { Fleet, type FleetOptions } from '../fleet/fleet.ts'
import type { ProviderFactory } from '../fleet/provider.ts'
import { type SimulatedProviderOptions, simulatedProvider } from '../fleet/providers/simulated.ts'
import type { BatchFunction, MapFunction, OperatorContext, SinkFunction } from './functions.ts'
import { type RunOutcome, runItems } from './run-items.ts'

/** An operator's class (its constructor takes one optional options object), or an operator made already. */
type OperatorOf<Instance, Options> = Instance | (new (options?: Options) => Instance)

/** What a sink, or a sink's class, adds to the result. */
type ResultOf<S> =
  S extends SinkFunction<never, infer R> ? R : S extends new () => SinkFunction<never, infer R> ? R : never
type Merged<U> = (U extends unknown ? (x: U) => void : never) extends (x: infer I) => void ? I : never

/** What the operators of a pipeline are given. */
export interface EnvironmentOptions {
  /** Default: virtual time, as fast as possible. */
  clock?: VirtualClock
  /** Default 42. */
  seed?: number | string
  /** Default silent. */
  logger?: Logger
  /** Where the servers are; default simulated ones, which start as these options say. */
  provider?: SimulatedProviderOptions | ProviderFactory
  /** What servers the fleet has. */
  fleet?: FleetOptions
  /** Called when a run has ended, before its fleet is closed. */
  onEnd?: (fleet: Fleet) => Promise<void>
}

const KEYS: KeysOf<EnvironmentOptions> = {
  clock: true,
  seed: true,
  logger: true,
  provider: true,
  fleet: true,
  onEnd: true,
}

export interface SubmitOptions {
  /** End the run when the source ends (default). Otherwise it remains open until `signal` aborts. */
  autostop?: boolean
  /** Ends the run early: operators close in order and the result says `interrupted`. */
  signal?: AbortSignal
}

interface AnyOperator {
  open(context: OperatorContext): void
  close(): void
}

function instantiate<T extends object>(operator: T | (new (options?: never) => T), options?: unknown): T {
  return typeof operator === 'function' ? new operator(options as never) : operator
}

/** Where pipelines are put together and run, in this process. */
export class LocalEnvironment {
  readonly name: string
  readonly clock: VirtualClock
  readonly rng: Rng
  readonly seed: number | string
  readonly logger: Logger
  readonly fleet: Fleet
  readonly onEnd: EnvironmentOptions['onEnd']

  constructor(name: string, options: EnvironmentOptions = {}) {
    requireKnown('', options, KEYS)
    this.name = name
    this.clock = options.clock ?? virtualClock()
    this.seed = options.seed ?? 42
    this.rng = seededRng(this.seed)
    this.logger = options.logger ?? silentLogger
    const { provider, onEnd } = options
    this.onEnd = onEnd
    const factory = typeof provider === 'function' ? provider : simulatedProvider(this.clock, provider)
    this.fleet = new Fleet(this.clock, factory, options.fleet)
  }

  /** Starts a pipeline with a source. */
  fromBatch<Out, Options>(source: OperatorOf<BatchFunction<Out>, Options>, options?: Options): Stream<Out> {
    return new Stream<Out>(this, instantiate(source, options) as BatchFunction<unknown>, [])
  }
}

/** A pipeline under construction whose items are of type `T`. */
export class Stream<T> {
  readonly #env: LocalEnvironment
  readonly #source: BatchFunction<unknown>
  readonly #maps: readonly MapFunction<unknown, unknown>[]

  constructor(
    env: LocalEnvironment,
    source: BatchFunction<unknown>,
    maps: readonly MapFunction<unknown, unknown>[],
  ) {
    this.#env = env
    this.#source = source
    this.#maps = maps
  }

  /** Adds an operator that turns each item into another. */
  map<Out, Options>(operator: OperatorOf<MapFunction<T, Out>, Options>, options?: Options): Stream<Out> {
    const map = instantiate(operator, options) as MapFunction<unknown, unknown>
    return new Stream<Out>(this.#env, this.#source, [...this.#maps, map])
  }

  /** Ends the pipeline: every sink gets every item, in the order given here. */
  sink<S extends readonly (SinkFunction<T> | (new () => SinkFunction<T>))[]>(
    ...sinks: S
  ): Pipeline<Merged<ResultOf<S[number]>>> {
    if (sinks.length === 0) {
      throw new ConcertinaError('INVALID_PIPELINE', 'sink(): a pipeline needs at least one sink')
    }
    const made = sinks.map((sink) => instantiate<SinkFunction<T>>(sink)) as SinkFunction<unknown>[]
    return new Pipeline(this.#env, this.#source, this.#maps, made)
  }
}

/** A whole pipeline, ready to be submitted once. */
export class Pipeline<Result> {
  readonly #env: LocalEnvironment
  readonly #source: BatchFunction<unknown>
  readonly #maps: readonly MapFunction<unknown, unknown>[]
  readonly #sinks: readonly SinkFunction<unknown>[]
  #submitted = false

  constructor(
    env: LocalEnvironment,
    source: BatchFunction<unknown>,
    maps: readonly MapFunction<unknown, unknown>[],
    sinks: readonly SinkFunction<unknown>[],
  ) {
    this.#env = env
    this.#source = source
    this.#maps = maps
    this.#sinks = sinks
  }

  /**
   * Runs the pipeline to its end and gives what its sinks made, merged, with `seed` and `interrupted`.
   * @throws {ConcertinaError} INVALID_PIPELINE when submitted twice or when it could never end; OPERATOR_FAILED, with
   * the cause, when an operator throws.
   */
  async submit(options: SubmitOptions = {}): Promise<Result & RunOutcome> {
    const { autostop = true, signal } = options
    if (this.#submitted) {
      throw new ConcertinaError('INVALID_PIPELINE', `pipeline ${this.#env.name}: submitted already`)
    }
    if (!autostop && !signal) {
      throw new ConcertinaError('INVALID_PIPELINE', 'submit(): autostop: false needs a signal to end the run')
    }
    this.#submitted = true
    const env = this.#env
    const operators: AnyOperator[] = [this.#source, ...this.#maps, ...this.#sinks]
    const opened: AnyOperator[] = []
    let failure: unknown
    try {
      for (const [i, operator] of operators.entries()) {
        opened.push(operator)
        const rng = env.rng.stream(`${i}:${operator.constructor.name}`)
        operator.open({ clock: env.clock, rng, logger: env.logger, fleet: env.fleet })
      }
      await runItems(env.clock, this.#source, this.#maps, this.#sinks, { autostop, signal })
    } catch (error) {
      failure = error
    }
    for (const operator of opened) {
      try {
        operator.close()
      } catch (error) {
        failure ??= error
      }
    }
    if (failure === undefined) await env.onEnd?.(env.fleet)
    await env.fleet.close()
    if (failure instanceof ConcertinaError) throw failure
    if (failure !== undefined) {
      const message = messageOf(failure)
      throw new ConcertinaError('OPERATOR_FAILED', `pipeline ${env.name}: ${message}`, { cause: failure })
    }
    const outcome: RunOutcome = { seed: env.seed, interrupted: signal?.aborted ?? false }
    return Object.assign({}, ...this.#sinks.map((sink) => sink.result()), outcome) as Result & RunOutcome
  }
}
