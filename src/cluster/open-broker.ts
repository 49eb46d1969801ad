import { invalidInput } from '../base/errors.ts'
import { ForwardingLog } from '../chat/log/forwarding-log.ts'
import type { RoomLog } from '../chat/log/room-log.ts'
import { type Broker, type BrokerOptions, brokerOptions } from './broker.ts'

/**
 * Connects to a broker.
 * @throws {ConcertinaError} BROKER_UNAVAILABLE, or INVALID_INPUT.
 */
export async function openBroker(options: BrokerOptions, process: string): Promise<Broker> {
  const filled = brokerOptions.parse(options)
  const { url, replicas } = filled
  if (/^redis/.test(url)) return (await import('./redis-broker.ts')).openRedisBroker(filled, process)
  if (replicas === 0) throw invalidInput('replicas', '0 copies keep nothing', '1 to 5')
  return (await import('./nats-broker.ts')).openNatsBroker(filled, process)
}

/** A room log that owns its broker: closing it closes the connection, too. */
class OwningLog extends ForwardingLog {
  readonly #broker: Broker
  #closing: Promise<void> | undefined

  constructor(log: RoomLog, broker: Broker) {
    super(log)
    this.#broker = broker
  }

  override close(): Promise<void> {
    this.#closing ??= this.#broker.close()
    return this.#closing
  }
}

/** The room log of a broker for a fleet on one machine; closing it closes the connection, too. */
export async function openBrokerLog(options: BrokerOptions, process: string): Promise<RoomLog> {
  const broker = await openBroker(options, process)
  try {
    return new OwningLog(await broker.openLog(), broker)
  } catch (error) {
    await broker.close()
    throw error
  }
}
