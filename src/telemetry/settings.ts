import { hostname } from 'node:os'
import { invalidInput, shown } from '../base/errors.ts'
import { webAddress } from '../base/options.ts'
import { VERSION } from '../base/version.ts'
import { type TelemetryOptions, telemetryOptions } from './options.ts'
import type { Attributes } from './span.ts'
import type { Sampling } from './tracer.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** What is sent to which receiver. */
export interface TelemetrySettings {
  /** Without the path of a signal, and without a slash at its end. */
  readonly endpoint: string
  readonly headers: Readonly<Record<string, string>>
  readonly resource: Attributes
  /** `undefined` when nothing is traced. */
  readonly sampling: Sampling | undefined
  readonly metricsSeconds: number
}

/**
 * Options, and the standard variables of OpenTelemetry for what they leave open.
 * @param command what runs: `serve`
 * @returns `undefined` without a receiver: nothing is sent then
 * @throws {ConcertinaError} INVALID_INPUT, naming the variable
 */
export function telemetrySettings(
  options: TelemetryOptions,
  command: string,
  env: Environment,
): TelemetrySettings | undefined {
  const of = (name: string) => env[name]?.trim() || undefined
  const endpoint = options.endpoint ?? of('OTEL_EXPORTER_OTLP_ENDPOINT')
  if (endpoint === undefined || of('OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return undefined
  if (!webAddress.safeParse(endpoint).success) {
    const where = options.endpoint === undefined ? 'OTEL_EXPORTER_OTLP_ENDPOINT' : 'otlpEndpoint'
    const repeated = endpoint.includes('@') ? 'it' : shown(endpoint)
    const allowed = 'http://… or https://…, without a user name'
    throw invalidInput(where, `${repeated} is not an address of a receiver`, allowed)
  }
  const protocol = of('OTEL_EXPORTER_OTLP_PROTOCOL')
  if (protocol === 'grpc')
    throw invalidInput(
      'OTEL_EXPORTER_OTLP_PROTOCOL',
      'grpc is not supported',
      'http/json, and the port for HTTP (4318)',
    )
  const interval = of('OTEL_METRIC_EXPORT_INTERVAL')
  const metricsSeconds =
    options.metricsSeconds ??
    (interval === undefined
      ? telemetryOptions.defaultOf('metricsSeconds')
      : numberOf('OTEL_METRIC_EXPORT_INTERVAL', interval, 100, 86_400_000) / 1000)
  return {
    endpoint: endpoint.replace(/\/+$/, ''),
    headers: options.headers ?? pairs('OTEL_EXPORTER_OTLP_HEADERS', of('OTEL_EXPORTER_OTLP_HEADERS')),
    resource: {
      'service.instance.id': `${hostname()}-${process.pid}`,
      'host.name': hostname(),
      'process.pid': process.pid,
      ...pairs('OTEL_RESOURCE_ATTRIBUTES', of('OTEL_RESOURCE_ATTRIBUTES')),
      'service.name': options.serviceName ?? of('OTEL_SERVICE_NAME') ?? `concertina-${command}`,
      'service.version': VERSION,
    },
    sampling:
      options.sampleRatio === undefined
        ? samplingOf(of('OTEL_TRACES_SAMPLER'), of('OTEL_TRACES_SAMPLER_ARG'))
        : kept(options.sampleRatio, true),
    metricsSeconds,
  }
}

/** Nothing is kept at all when nothing begins here and no other program's trace is followed. */
function kept(ratio: number, followParent: boolean): Sampling | undefined {
  return ratio === 0 && !followParent ? undefined : { ratio, followParent }
}

const SAMPLERS = ['always_on', 'always_off', 'traceidratio'] as const

function samplingOf(name: string | undefined, argument: string | undefined): Sampling | undefined {
  const usual = telemetryOptions.defaultOf('sampleRatio')
  const [, parentBased, kind] = /^(parentbased_)?(.*)$/.exec(name ?? 'parentbased_traceidratio') ?? []
  if (!SAMPLERS.some((each) => each === kind)) {
    const allowed = SAMPLERS.flatMap((each) => [each, `parentbased_${each}`]).join(', ')
    throw invalidInput('OTEL_TRACES_SAMPLER', `${shown(name)} is not known here`, allowed)
  }
  const ratio =
    kind === 'always_on'
      ? 1
      : kind === 'always_off'
        ? 0
        : argument === undefined
          ? usual
          : numberOf('OTEL_TRACES_SAMPLER_ARG', argument, 0, 1)
  return kept(ratio, parentBased !== undefined)
}

function numberOf(where: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (!(value >= min && value <= max))
    throw invalidInput(where, `${shown(text)} is not allowed`, `a number from ${min} to ${max}`)
  return value
}

/** `a=b,c=d`, percent-encoded. The values may be secret: no error repeats them. */
function pairs(where: string, text = ''): Record<string, string> {
  const parts = text.split(',').filter((part) => part.trim() !== '')
  return Object.fromEntries(
    parts.map((part) => {
      const [, key, value] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(part) ?? []
      try {
        if (key !== undefined && value !== undefined) return [key, decodeURIComponent(value)]
      } catch {
        // reported below
      }
      throw invalidInput(
        where,
        'it is not a list of names and values',
        'name=value,name=value, percent-encoded',
      )
    }),
  )
}
