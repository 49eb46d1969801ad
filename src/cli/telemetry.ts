import type { CloseStack } from '../base/close-stack.ts'
import type { Logger } from '../base/logger.ts'
import type { TelemetryOptions } from '../telemetry/options.ts'
import { telemetrySettings } from '../telemetry/settings.ts'
import type { Tracer } from '../telemetry/tracer.ts'
import type { TelemetryFlags } from './flags.ts'

/** What is sent to an OpenTelemetry receiver while a service runs. */
export interface Telemetry {
  readonly tracer: Tracer | undefined
  /** Sends metrics from now on. @param read returns the text of `/metrics` */
  report(read: () => Promise<string>): void
}

/**
 * Opens it, if a receiver is named; nothing of it is loaded otherwise.
 * @param command what runs: `serve`
 * @param opened closes it: what there is is sent then, unless that takes long
 * @throws {ConcertinaError} INVALID_INPUT, naming the flag or the variable
 */
export async function openTelemetry(
  { otlpEndpoint }: TelemetryFlags,
  configured: TelemetryOptions | undefined,
  command: string,
  logger: Logger,
  opened: CloseStack,
): Promise<Telemetry | undefined> {
  const options = { ...configured, ...(otlpEndpoint !== undefined && { endpoint: otlpEndpoint }) }
  const settings = telemetrySettings(options, command, process.env)
  if (!settings) return undefined
  const [{ OtlpExporter }, { Tracer }] = await Promise.all([
    import('../telemetry/exporter.ts'),
    import('../telemetry/tracer.ts'),
  ])
  const exporter = opened.use(new OtlpExporter(settings, logger))
  const { endpoint, sampling } = settings
  logger.info(`Telemetry: to ${new URL(endpoint).host}`)
  return {
    tracer: sampling && new Tracer(sampling, exporter),
    report: (read) => exporter.report(read),
  }
}
