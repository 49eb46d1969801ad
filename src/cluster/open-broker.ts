import { invalidInput } from '../base/errors.ts'
import type { Broker, BrokerOptions } from './broker.ts'

/**
 * Connects to a broker.
 * @throws {ConcertinaError} BROKER_UNAVAILABLE, or INVALID_INPUT.
 */
export async function openBroker(options: BrokerOptions, process: string): Promise<Broker> {
  if (/^(nats|tls):\/\//.test(options.url))
    return (await import('./nats-broker.ts')).openNatsBroker(options, process)
  if (/^rediss?:\/\//.test(options.url))
    return (await import('./redis-broker.ts')).openRedisBroker(options, process)
  throw invalidInput(
    'broker',
    `${options.url} is no broker`,
    'nats://host:4222 or redis://host:6379, several hosts by commas',
  )
}
