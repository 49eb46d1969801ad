/**
 * The library in one page: a demo with a load of its own, then a pipeline put together by hand with an operator of
 * its own. Run it with `npx tsx examples/flash-crowd.ts`.
 */
import {
  AutoScaler,
  LoadBalancer,
  LocalEnvironment,
  MapFunction,
  MetricsCollector,
  type ProcessedItem,
  RequestProcessor,
  runAutoScalingDemo,
  ScalingEventsSink,
  UserTrafficSource,
} from '../src/index.ts'

/** Counts what each room says, and passes everything on. */
class RoomCounter extends MapFunction<ProcessedItem, ProcessedItem> {
  readonly messages = new Map<number, number>()

  execute(item: ProcessedItem): ProcessedItem {
    if (item.kind === 'message') this.messages.set(item.room, (this.messages.get(item.room) ?? 0) + 1)
    return item
  }
}

await runAutoScalingDemo({
  duration: 60,
  loadPattern: (progress) => (progress > 0.4 && progress < 0.6 ? 200 : 20),
  autoScaler: new AutoScaler({ scaleUpThreshold: 25, scaleDownThreshold: 5, minServers: 1, maxServers: 20 }),
  pace: Number.POSITIVE_INFINITY,
})

const counter = new RoomCounter()
const result = await new LocalEnvironment('my-pipeline', { seed: 42 })
  .fromBatch(UserTrafficSource, { duration: 300, baseRate: 20, peakRate: 400, rooms: 3 })
  .map(AutoScaler, { scaleUpThreshold: 30, scaleDownThreshold: 10 })
  .map(LoadBalancer, { strategy: 'power-of-two', routing: 'message' })
  .map(RequestProcessor)
  .map(counter)
  .sink(MetricsCollector, ScalingEventsSink)
  .submit({ autostop: true })

console.log(
  `${result.totalMessages} messages, p99 ${result.latency.p99Ms.toFixed(0)} ms, by room:`,
  counter.messages,
)
