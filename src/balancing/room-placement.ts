import { hash, seededRng } from '../base/rng.ts'
import { createStrategy } from './strategies.ts'
import type { BalancedServer } from './strategy.ts'
import type { StrategyName } from './strategy-names.ts'

/** A room as strategies see it. */
export const roomNumber = (room: string): number => hash(room)

/** Where a strategy that goes by rooms places each room: the same wherever it is asked, as nothing else counts. */
export function roomPlacement<Server extends Pick<BalancedServer, 'id' | 'weight'>>(
  name: StrategyName,
  servers: readonly Server[],
): (room: string) => Server {
  const views = servers.map(({ id, weight }) => ({ id, weight, load: 0 }))
  const strategy = createStrategy(name, seededRng(0))
  strategy.update?.(views)
  return (room) => servers[strategy.pick(views, { user: 0, room: roomNumber(room) })]!
}
