import { describe, expect, it } from 'vitest'
import { telemetrySettings } from './settings.ts'

const endpoint = 'http://collector:4318'
const settings = (env: Record<string, string>, options = {}) =>
  telemetrySettings(options, 'serve', { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, ...env })

describe('telemetry settings', () => {
  it('are none without a receiver, and with OpenTelemetry disabled', () => {
    expect(telemetrySettings({}, 'serve', {})).toBeUndefined()
    expect(telemetrySettings({ sampleRatio: 1 }, 'serve', { OTEL_SERVICE_NAME: 'x' })).toBeUndefined()
    expect(settings({ OTEL_SDK_DISABLED: 'true' })).toBeUndefined()
  })

  it('come from the standard variables', () => {
    const found = settings({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector/otlp/',
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20abc, x-team=chat',
      OTEL_SERVICE_NAME: 'talk',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment=test,service.name=other',
      OTEL_METRIC_EXPORT_INTERVAL: '15000',
    })
    expect(found).toMatchObject({
      endpoint: 'https://collector/otlp',
      headers: { authorization: 'Bearer abc', 'x-team': 'chat' },
      resource: { 'service.name': 'talk', 'deployment.environment': 'test' },
      metricsSeconds: 15,
    })
  })

  it('come from options first', () => {
    const env = {
      OTEL_SERVICE_NAME: 'x',
      OTEL_TRACES_SAMPLER: 'always_off',
      OTEL_METRIC_EXPORT_INTERVAL: '1000',
    }
    const options = { endpoint: 'http://mine:1', serviceName: 'mine', sampleRatio: 0.5, metricsSeconds: 7 }
    expect(settings(env, options)).toMatchObject({
      endpoint: 'http://mine:1',
      resource: { 'service.name': 'mine' },
      sampling: { ratio: 0.5, followParent: true },
      metricsSeconds: 7,
    })
  })

  it.each([
    [undefined, undefined, { ratio: 0.01, followParent: true }],
    ['always_on', undefined, { ratio: 1, followParent: false }],
    ['always_off', undefined, undefined],
    ['traceidratio', '0.25', { ratio: 0.25, followParent: false }],
    ['parentbased_always_on', undefined, { ratio: 1, followParent: true }],
    ['parentbased_always_off', undefined, { ratio: 0, followParent: true }],
    ['parentbased_traceidratio', '0.1', { ratio: 0.1, followParent: true }],
  ])('sample by %s %s', (sampler, argument, expected) => {
    const env = {
      ...(sampler !== undefined && { OTEL_TRACES_SAMPLER: sampler }),
      ...(argument !== undefined && { OTEL_TRACES_SAMPLER_ARG: argument }),
    }
    expect(settings(env)?.sampling).toEqual(expected)
  })

  it.each([
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318'],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'just a secret'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'key=%zz-secret'],
    ['OTEL_TRACES_SAMPLER', 'jaeger_remote'],
    ['OTEL_METRIC_EXPORT_INTERVAL', 'often'],
  ])('reject %s=%s by its name', (name, value) => {
    expect(() => settings({ [name]: value })).toThrow(name)
    expect(() => settings({ [name]: value })).not.toThrow(/secret/)
  })

  it('reject a ratio above 1', () => {
    const env = { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '2' }
    expect(() => settings(env)).toThrow('OTEL_TRACES_SAMPLER_ARG')
  })
})
