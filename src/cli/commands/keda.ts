import { wallClock } from '../../base/clock.ts'
import { simulatedProvider } from '../../fleet/providers/simulated.ts'
import { kedaOptions } from '../../keda/options.ts'
import { startKedaScaler } from '../../keda/scaler.ts'
import { runWorkloadController } from '../workload-controller.ts'
import type { WorkloadFlags } from '../workload-flags.ts'

export interface KedaFlags extends WorkloadFlags {
  host?: string
  port?: number
  startupDelay?: number
  activationLoad?: number
  fallbackServers?: number
}

/** `concertina keda`: decides on a fleet that is only counted, and lets KEDA do the scaling. */
export async function keda(flags: KedaFlags, signal: AbortSignal): Promise<void> {
  const { host, port, activationLoad, fallbackServers } = kedaOptions.parse(kedaOptions.given(flags))
  const counted = simulatedProvider(wallClock(), { startupDelay: flags.startupDelay })
  await runWorkloadController('keda', flags, counted, signal, async (controller, { logger }) => {
    const scaler = await startKedaScaler({ controller, host, port, activationLoad, fallbackServers })
    logger.info(`KEDA:      external scaler at ${host}, port ${scaler.port}`, { port: scaler.port })
    return scaler.close
  })
}
