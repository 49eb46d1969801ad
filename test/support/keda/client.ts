import * as grpc from '@grpc/grpc-js'
import * as loader from '@grpc/proto-loader'
import { EXTERNAL_SCALER } from '../../../src/keda/proto.ts'

type Answer = Record<string, unknown>

/** A gRPC client of an external scaler, as KEDA is one. */
export function kedaClient(port: number) {
  const definition = grpc.loadPackageDefinition(loader.fromJSON(EXTERNAL_SCALER)) as unknown as {
    externalscaler: {
      ExternalScaler: new (address: string, credentials: grpc.ChannelCredentials) => grpc.Client
    }
  }
  const { ExternalScaler } = definition.externalscaler
  const client = new ExternalScaler(`127.0.0.1:${port}`, grpc.credentials.createInsecure())
  type Unary = (request: object, done: (error: Error | null, answer: Answer) => void) => void
  type Stream = (request: object) => grpc.ClientReadableStream<{ result: boolean }>
  const methods = client as unknown as Record<string, Unary> & { StreamIsActive: Stream }
  const call = (name: string, request: object = {}) =>
    new Promise<Answer>((resolve, reject) => {
      methods[name]!.call(client, request, (error, answer) => (error ? reject(error) : resolve(answer)))
    })
  return {
    call,
    async desired(): Promise<number | undefined> {
      const answer = await call('GetMetrics', { metricName: 'concertina-desired-servers' }).catch(() => ({}))
      return (answer as { metricValues?: { metricValueFloat: number }[] }).metricValues?.[0]?.metricValueFloat
    },
    activity(): { seen: boolean[]; cancel(): void } {
      const seen: boolean[] = []
      const stream = methods.StreamIsActive.call(client, {})
      stream.on('data', ({ result }) => seen.push(result)).on('error', () => {})
      return { seen, cancel: () => stream.cancel() }
    },
    close: () => client.close(),
  }
}
