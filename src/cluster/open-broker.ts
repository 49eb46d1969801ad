import { invalidInput } from '../base/errors.ts'
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

/** The room log of a broker for a fleet on one machine; closing it closes the connection, too. */
export async function openBrokerLog(options: BrokerOptions, process: string): Promise<RoomLog> {
  const broker = await openBroker(options, process)
  const log = await broker.openLog()
  let closing: Promise<void> | undefined
  return {
    epoch: log.epoch,
    durability: log.durability,
    append: (message) => log.append(message),
    read: (room, after, limit) => log.read(room, after, limit),
    readBefore: (room, before, limit) => log.readBefore(room, before, limit),
    subscribe: (room, listener) => log.subscribe(room, listener),
    unsubscribe: (room) => log.unsubscribe(room),
    close: () => {
      closing ??= broker.close()
      return closing
    },
  }
}
