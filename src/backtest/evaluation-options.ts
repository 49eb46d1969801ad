import { z } from 'zod'
import { atLeastZero, count, fleetSize, option, optionSet, seconds } from '../base/options.ts'
import { DEFAULT_MESSAGES } from './message-latency.ts'

const share = z.number().min(0).max(1)

/** The conditions under which policies are evaluated on traces. */
export const evaluationOptions = optionSet({
  usersPerServer: option(z.number().positive(), 'users that a server holds', 30),
  provisioningDelay: option(atLeastZero, 'seconds from launch to ready, at least', 90),
  startUpTail: option(atLeastZero, 'mean seconds that a start takes beyond that, exponential', 0),
  serversPerNode: option(count, 'servers that a node holds: nodes are started, too, when all are full'),
  nodeDelay: option(atLeastZero, 'seconds from the launch of a node until servers can start on it', 90),
  metricDelay: option(atLeastZero, 'age of the load that policies see, seconds', 0),
  interval: option(seconds, 'seconds between two decisions', 30),
  warmUp: option(atLeastZero, 'seconds at the beginning for which nothing is counted', 0),
  overload: option(share, 'share of user-time that may be above capacity', 0.001),
  minServers: option(fleetSize, 'never fewer servers', 1),
  maxServers: option(fleetSize, 'never more servers', 1000),
  drainWindow: option(atLeastZero, 'seconds that a server which is scaled in keeps its users', 0),
  sessionDuration: option(seconds, 'mean seconds of a session, while a server drains; default endless'),
  fullUtilization: option(
    z.number().positive().max(1),
    'share of its time that a server with all the users it holds is busy',
    DEFAULT_MESSAGES.fullUtilization,
  ),
})

/** What a comparison varies, and what interrupts its spot servers. */
export const comparisonOptions = optionSet({
  copies: option(
    z.number().int().min(0).max(100),
    'of each trace that are evaluated as well: started later, scaled, with noise',
    0,
  ),
  restart: option(
    z.enum(['none', 'keep', 'forget']),
    'of the autoscaler in the middle: what it learned is kept, forgotten',
    'keep',
  ),
  interruptions: option(atLeastZero, 'a day of each spot server', 0.1),
})

/** How a trace is divided for tuning. */
export const tuningOptions = optionSet({
  train: option(
    z.number().positive().max(1),
    'share of the trace that is searched on; the rest tests what was found',
    0.7,
  ),
})
