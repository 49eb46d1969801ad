import { z } from 'zod'
import { type OptionsOf, option, optionSet, seconds, webAddress } from '../base/options.ts'

/** What a config file may say of traces and metrics that are sent to an OpenTelemetry receiver. */
export const telemetryOptions = optionSet({
  endpoint: option(
    webAddress,
    'receiver of traces and metrics by OTLP/HTTP, such as http://127.0.0.1:4318; or the variable OTEL_EXPORTER_OTLP_ENDPOINT; default none, and nothing is sent',
  ),
  headers: z
    .record(z.string(), z.string())
    .optional()
    .describe('headers of its requests, such as a key; or OTEL_EXPORTER_OTLP_HEADERS'),
  serviceName: option(
    z.string().min(1),
    'service.name; or OTEL_SERVICE_NAME; default concertina- and the command, such as concertina-serve',
  ),
  sampleRatio: option(
    z.number().min(0).max(1),
    'share of messages and requests that are traced; or OTEL_TRACES_SAMPLER',
    0.01,
  ),
  metricsSeconds: option(
    seconds.max(86_400),
    'seconds between two reports of the metrics; or OTEL_METRIC_EXPORT_INTERVAL, in milliseconds',
    60,
  ),
})

export type TelemetryOptions = OptionsOf<typeof telemetryOptions.shape>
