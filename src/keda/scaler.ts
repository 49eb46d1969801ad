import type { Server, ServerUnaryCall, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js'
import { ConcertinaError } from '../base/errors.ts'
import type { Signal } from '../base/signal.ts'
import { Connections } from './connections.ts'
import { kedaOptions } from './options.ts'
import { EXTERNAL_SCALER } from './proto.ts'

/** Whose decisions are served. */
interface ScaledWorkload {
  /** Servers that are desired; undefined while that is not known. */
  readonly desired: number | undefined
  /** undefined while it is missing. */
  readonly load: number | undefined
  /** Emits after every decision. */
  readonly ticks: Pick<Signal<unknown>, 'subscribe'>
}

export interface KedaScalerOptions {
  controller: ScaledWorkload
  /** To listen on; port 0 is any free one. */
  host: string
  port: number
  /** The workload is active above this load, and KEDA may scale it to zero while it is not. */
  activationLoad?: number | undefined
  /** While the load is missing, the metric is this or the last desired size, whichever is more; default the latter. */
  fallbackServers?: number | undefined
}

interface ActiveResponse {
  result: boolean
}

/** What one connection may use: KEDA's requests are small, and few at a time. */
const LIMITS = {
  'grpc.max_receive_message_length': 16_384,
  'grpc.max_concurrent_streams': 100,
  'grpc.max_connection_idle_ms': 300_000,
  'grpc-node.max_session_memory': 10, // megabytes
}

/** The one metric: its value is the desired size, and its target is 1 a replica, so the HPA's answer is the size itself. */
const METRIC = 'concertina-desired-servers'

async function grpc() {
  try {
    return { ...(await import('@grpc/grpc-js')), loader: await import('@grpc/proto-loader') }
  } catch (error) {
    throw new ConcertinaError(
      'INVALID_INPUT',
      'keda: @grpc/grpc-js and @grpc/proto-loader are not installed',
      {
        hint: 'npm install @grpc/grpc-js @grpc/proto-loader',
        cause: error,
      },
    )
  }
}

/**
 * Serves KEDA's external scaler. A missing load never lowers the metric and never makes the workload inactive; before the first
 * load, calls fail unless there is a size for that, and then the HPA keeps the size it finds.
 * @returns the port
 * @throws {ConcertinaError} INVALID_INPUT for an option, or when gRPC is not installed; ADDRESS_UNAVAILABLE.
 */
export async function startKedaScaler(options: KedaScalerOptions): Promise<{ port: number; close(): void }> {
  const { controller } = options
  const { activationLoad, fallbackServers = 0 } = kedaOptions.parse({
    activationLoad: options.activationLoad,
    fallbackServers: options.fallbackServers,
  })
  const { Server: GrpcServer, ServerCredentials, status, loader } = await grpc()
  const service = loader.fromJSON(EXTERNAL_SCALER)['externalscaler.ExternalScaler']
  const server: Server = new GrpcServer(LIMITS)
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure())
  const connections = new Connections((socket) => injector.injectConnection(socket))

  const desired = (): number | undefined => {
    const known = controller.desired
    if (controller.load !== undefined) return known
    return known === undefined && fallbackServers === 0 ? undefined : Math.max(known ?? 0, fallbackServers)
  }
  let lastActive: boolean | undefined
  const active = (): boolean | undefined => {
    const { load } = controller
    if (load !== undefined) lastActive = load > activationLoad
    return lastActive ?? (fallbackServers > 0 ? true : undefined)
  }
  const answer = <T, A>(read: () => T | undefined, make: (value: T) => A) => {
    return (call: ServerUnaryCall<unknown, A>, done: sendUnaryData<A>) => {
      connections.onCall(call.getPeer())
      const value = read()
      if (value === undefined) done({ code: status.UNAVAILABLE, details: 'the load is not known yet' })
      else done(null, make(value))
    }
  }
  server.addService(service as Parameters<Server['addService']>[0], {
    IsActive: answer(active, (result): ActiveResponse => ({ result })),
    GetMetricSpec: answer(
      () => METRIC,
      (metricName) => ({ metricSpecs: [{ metricName, targetSize: 1, targetSizeFloat: 1 }] }),
    ),
    GetMetrics: answer(desired, (size) => ({
      metricValues: [{ metricName: METRIC, metricValue: size, metricValueFloat: size }],
    })),
    StreamIsActive(call: ServerWritableStream<unknown, ActiveResponse>) {
      connections.onCall(call.getPeer())
      let sent: boolean | undefined
      const send = () => {
        const result = active()
        if (result === undefined || result === sent) return
        sent = result
        call.write({ result })
      }
      const unsubscribe = controller.ticks.subscribe(send)
      call.once('cancelled', () => {
        unsubscribe()
        call.end()
      })
      send()
    },
  })
  const close = () => {
    connections.close()
    server.forceShutdown()
  }
  try {
    return { port: await connections.listen(options.host, options.port), close }
  } catch (error) {
    close()
    throw error
  }
}
