import type { MessageWork } from '../chat/options.ts'
import { processorOptions, type RequestProcessorOptions } from '../simulation/request-processor.ts'

/** What each message costs a real server, as the simulator would have it. */
export function messageWork(server: RequestProcessorOptions): MessageWork {
  const { concurrency, queueLimit, serviceTime } = processorOptions(server)
  return { concurrency, queueLimit, serviceTime: serviceTime.spec }
}
