import { Buckets, LATENCY_BOUNDS } from '../base/buckets.ts'
import { histogramText } from '../base/histogram-text.ts'
import type { ChatServerStats } from '../chat/server-stats.ts'

/** The metrics of one chat server in the text format of Prometheus. */
export function nodeMetrics(stats: ChatServerStats, ready: boolean, handedOn: number): string {
  const { connections, messages, rejected, deliveries, lagging, slowClosed, resumed, lost, latency } = stats
  const latencies = new Buckets(LATENCY_BOUNDS)
  latencies.add(latency)
  const metric = (kind: 'gauge' | 'counter', suffix: string, help: string, value: number) => {
    const name = `concertina_node_${suffix}`
    return `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n${name} ${value}`
  }
  return [
    metric('gauge', 'connections', 'Open connections.', connections),
    metric('gauge', 'ready', 'Whether the server accepts users: 1, or 0.', ready ? 1 : 0),
    metric('counter', 'messages_total', 'Messages acknowledged.', messages),
    metric('counter', 'messages_rejected_total', 'Messages rejected for want of room or broker.', rejected),
    metric('counter', 'deliveries_total', 'Messages pushed to members.', deliveries),
    metric(
      'counter',
      'members_lagging_total',
      'Times that a member read too slowly and caught up from the log.',
      lagging,
    ),
    metric(
      'counter',
      'slow_connections_closed_total',
      'Connections closed for reading too slowly.',
      slowClosed,
    ),
    metric(
      'counter',
      'rooms_resumed_total',
      'Times that a room was joined where its user had left off.',
      resumed,
    ),
    metric('counter', 'connections_lost_total', 'Connections that broke off without a close frame.', lost),
    metric(
      'counter',
      'newcomers_handed_on_total',
      'Users rejected because they were to move to another server.',
      handedOn,
    ),
    metric(
      'counter',
      'key_fetches_failed_total',
      'Times that the keys of the issuer of tokens could not be fetched.',
      stats.keyFetchesFailed,
    ),
    histogramText(
      'concertina_node_message_latency_seconds',
      'Time from receiving a message to acknowledging it.',
      latencies,
    ),
  ].join('\n')
}
