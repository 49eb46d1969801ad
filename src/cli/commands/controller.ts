import { ConcertinaError, invalidInput } from '../../base/errors.ts'
import { BROKER_ONLY } from '../flags.ts'
import { printHpa, scalesByMetric, serveMetric } from '../metric-mode.ts'
import { runWorkloadController } from '../workload-controller.ts'
import { providerOf } from '../workload-providers.ts'
import type { ClusterControllerFlags } from './cluster-controller.ts'

export interface ControllerFlags extends Omit<ClusterControllerFlags, 'broker'> {
  broker?: string
  printHpa?: boolean
}

/** Flags that mean something for chat only, and for any other workload only. */
const CHAT_ONLY = [...BROKER_ONLY, 'advertise', 'anonymous', 'strategy', 'seed'] as const
const WORKLOAD_ONLY = [
  'prometheus',
  'loadQuery',
  'prometheusCa',
  'prometheusCert',
  'prometheusKey',
  'maxAge',
  'command',
  'initial',
] as const

function reject(flags: ControllerFlags, names: readonly (keyof ControllerFlags)[], why: string): void {
  const given = names.find((name) => flags[name] !== undefined)
  if (given !== undefined) throw invalidInput(given, why, 'to leave it out')
}

/**
 * `concertina controller`: with a broker it scales the chat servers of a cluster, without one any workload by a query of its
 * load; until it is stopped.
 */
export async function controller(flags: ControllerFlags, signal: AbortSignal): Promise<void> {
  const { broker } = flags
  if (flags.printHpa) {
    printHpa(flags)
    return
  }
  const metric = scalesByMetric(flags)
  if (broker !== undefined) {
    if (flags.provider === 'command')
      throw invalidInput(
        'provider',
        'command cannot end a chosen chat server',
        'local, none, kubernetes, aws',
      )
    reject(flags, WORKLOAD_ONLY, 'the load of chat comes from its broker')
    const { clusterController } = await import('./cluster-controller.ts')
    await clusterController({ ...flags, broker }, signal)
    return
  }
  if (flags.prometheus === undefined && flags.loadQuery === undefined) {
    throw new ConcertinaError('INVALID_INPUT', 'controller: there is nothing to read the load from', {
      hint: '--broker for a cluster of chat, --prometheus with --load-query for any other workload',
    })
  }
  reject(flags, CHAT_ONLY, 'it is only for chat, with --broker')
  if (!metric) {
    await runWorkloadController('controller', flags, providerOf(flags), signal)
    return
  }
  let size: number | undefined
  const publish = (count: number | undefined) => {
    size = count
  }
  await runWorkloadController(
    'controller',
    flags,
    providerOf(flags, { publish }),
    signal,
    (_, { host, logger }) => serveMetric(flags, { host, desired: () => size, logger }),
  )
}
