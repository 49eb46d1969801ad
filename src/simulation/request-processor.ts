import { z } from 'zod'
import { type Distribution, exponential } from '../base/distribution.ts'
import { count, madeInCode, type OptionsOf, option, optionSet } from '../base/options.ts'
import type { Server } from '../fleet/server.ts'
import { MapFunction, type OperatorContext } from '../pipeline/functions.ts'
import type { ProcessedItem, RoutedItem } from '../pipeline/items.ts'
import { ServiceStation } from './service-station.ts'

/** What a config file may say of the work of messages, beside its distribution. */
export const workShape = {
  concurrency: option(count.max(1e6), 'messages that a server of weight 1 works on at once', 4),
  queueLimit: option(
    z.number().int().min(0).max(1e6),
    'messages that may wait on a server; one more is rejected',
    1000,
  ),
}

const workOptions = optionSet({
  ...workShape,
  serviceTime: option(
    madeInCode<Distribution>('a distribution', 'sampler'),
    'work of a message, seconds; default exponential with mean 0.05',
  ),
})

/** What the work of messages is, for simulated servers and real ones alike. */
export type RequestProcessorOptions = OptionsOf<typeof workOptions.shape>

/** The options with the defaults filled in; others in the object are left out. */
export function processorOptions(options: RequestProcessorOptions): Required<RequestProcessorOptions> {
  const { concurrency, queueLimit, serviceTime } = options
  const filled = workOptions.parse({ concurrency, queueLimit, serviceTime })
  return { ...filled, serviceTime: filled.serviceTime ?? exponential(0.05) }
}

/** Simulated servers at work on the messages that were routed to them. */
export class RequestProcessor extends MapFunction<RoutedItem, ProcessedItem> {
  readonly #concurrency: number
  readonly #queueLimit: number
  readonly #serviceTime: Distribution
  #draw!: () => number
  readonly #processed = {
    kind: 'message' as const,
    time: 0,
    user: 0,
    room: 0,
    server: undefined as Server | undefined,
    rejected: false,
    wait: 0,
    service: 0,
  }

  constructor(options: RequestProcessorOptions = {}) {
    super()
    const { concurrency, queueLimit, serviceTime } = processorOptions(options)
    this.#concurrency = concurrency
    this.#queueLimit = queueLimit
    this.#serviceTime = serviceTime
  }

  override open({ rng, fleet, clock }: OperatorContext): void {
    this.#draw = this.#serviceTime.sampler(rng)
    const equip = (server: Server) => {
      if (server.state === 'ready' && !server.work) {
        const slots = Math.max(1, Math.round(this.#concurrency * server.weight))
        server.work = new ServiceStation(slots, this.#queueLimit, clock.now())
      }
    }
    for (const server of fleet.servers) equip(server)
    fleet.onChange(equip)
  }

  execute(item: RoutedItem): ProcessedItem {
    if (item.kind !== 'message') return item
    const { time, server } = item
    const processed = this.#processed
    processed.time = time
    processed.user = item.user
    processed.room = item.room
    processed.server = server
    const service = this.#draw()
    const wait = server ? (server.work as ServiceStation).offer(time, service) : -1
    processed.rejected = wait < 0
    processed.wait = Math.max(0, wait)
    processed.service = wait < 0 ? 0 : service
    return processed
  }
}
