import type { Server, ServerUnaryCall, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js'
import { ConcertinaError } from '../base/errors.ts'
import type { Signal } from '../base/signal.ts'
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
  /** Host and port to listen on. */
  address: string
  /** The workload is active above this load, and KEDA may scale it to zero while it is not. */
  activationLoad?: number | undefined
  /** While the load is missing, the metric is this or the last desired size, whichever is more; default the latter. */
  fallbackServers?: number | undefined
}

interface ActiveResponse {
  result: boolean
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
  const { controller, address } = options
  const { activationLoad, fallbackServers = 0 } = kedaOptions.parse({
    activationLoad: options.activationLoad,
    fallbackServers: options.fallbackServers,
  })
  const { Server: GrpcServer, ServerCredentials, status, loader } = await grpc()
  const service = loader.fromJSON(EXTERNAL_SCALER)['externalscaler.ExternalScaler']
  const server: Server = new GrpcServer()

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
    return (_: ServerUnaryCall<unknown, A>, done: sendUnaryData<A>) => {
      const value = read()
      if (value === undefined) done({ code: status.UNAVAILABLE, details: 'the load is not known yet' })
      else done(null, make(value))
    }
  }
  server.addService(service as Parameters<Server['addService']>[0], {
    IsActive: answer(active, (result): ActiveResponse => ({ result })),
    GetMetricSpec: (_: unknown, done: sendUnaryData<unknown>) =>
      done(null, { metricSpecs: [{ metricName: METRIC, targetSize: 1, targetSizeFloat: 1 }] }),
    GetMetrics: answer(desired, (size) => ({
      metricValues: [{ metricName: METRIC, metricValue: size, metricValueFloat: size }],
    })),
    StreamIsActive(call: ServerWritableStream<unknown, ActiveResponse>) {
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
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
      if (!error) resolve(bound)
      else {
        const options = { hint: 'a free address: --host and --port', cause: error }
        reject(new ConcertinaError('ADDRESS_UNAVAILABLE', `${address}: ${error.message}`, options))
      }
    })
  })
  return { port, close: () => server.forceShutdown() }
}
