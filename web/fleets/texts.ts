import type { FleetProblem } from '../../src/control/other-fleet.ts'
import { pageTexts } from '../lib/language.ts'

const plural = (count: number, one: string, many: string) => `${count} ${count === 1 ? one : many}`

const en = {
  fleets: 'Fleets',
  title: 'Concertina: fleets',
  own: 'This fleet',
  connecting: 'connecting…',
  live: 'live',
  alone: 'No other fleet is configured: start it with --fleet name=url, or with live.fleets in its config.',
  total: (fleets: number, servers: string, users: string) =>
    `${plural(fleets, 'fleet', 'fleets')}, ${servers} servers ready, ${users} users`,
  silentOf: (silent: number) => `, ${silent} not known`,
  alertsOf: (alerts: number) => `, ${plural(alerts, 'alert', 'alerts')}`,
  reachable: 'reachable',
  problem: {
    asking: 'is being asked…',
    unreachable: 'not reachable',
    late: 'no answer in time',
    token: 'its token is rejected or cannot be read',
    standby: 'stands by: another controller leads',
    answer: 'its answer is not understood',
  } satisfies Record<FleetProblem['kind'] | 'asking', string>,
  seen: (time: string) => `figures of ${time}`,
  servers: 'servers',
  users: 'users',
  load: 'load',
  messages: 'messages/s',
  latency: 'latency p99',
  desired: (size: number, min: number, max: number) => `${size} desired, ${min} to ${max} allowed`,
  ofCapacity: (capacity: string) => `of ${capacity} that fit`,
  loadOf: (name: string) => `Load of ${name}`,
  policy: (policy: string) => `Policy: ${policy}`,
  paused: (policy: string) => `Policy: ${policy} (paused)`,
  last: (text: string) => `Last: ${text}`,
  lastAt: (time: string, text: string) => `Last, ${time}: ${text}`,
  alertsIn: (name: string) => `Alerts of ${name}`,
}

const zh: typeof en = {
  fleets: '集群',
  title: 'Concertina：集群',
  own: '此集群',
  connecting: '正在连接……',
  live: '实时',
  alone: '此集群不知道别的集群：启动时用 --fleet 名字=地址，或在配置里写 live.fleets。',
  total: (fleets, servers, users) => `${fleets} 个集群，${servers} 台服务器就绪，${users} 个用户`,
  silentOf: (silent) => `，${silent} 个未知`,
  alertsOf: (alerts) => `，${alerts} 个告警`,
  reachable: '可达',
  problem: {
    asking: '正在询问……',
    unreachable: '不可达',
    late: '没有及时回答',
    token: '它的令牌被拒绝或无法读取',
    standby: '待命：由另一个控制器领导',
    answer: '它的回答无法理解',
  },
  seen: (time) => `${time} 的数据`,
  servers: '服务器',
  users: '用户',
  load: '负载',
  messages: '消息/秒',
  latency: '延迟 p99',
  desired: (size, min, max) => `目标 ${size}，允许 ${min} 到 ${max}`,
  ofCapacity: (capacity) => `可容纳 ${capacity}`,
  loadOf: (name) => `${name} 的负载`,
  policy: (policy) => `策略：${policy}`,
  paused: (policy) => `策略：${policy}（已暂停）`,
  last: (text) => `最近：${text}`,
  lastAt: (time, text) => `最近，${time}：${text}`,
  alertsIn: (name) => `${name} 的告警`,
}

/** What the page of several fleets says. */
export const texts = pageTexts({ en, zh })
