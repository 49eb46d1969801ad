import { Phrases } from '../base/phrases.ts'

/** What policies, the autoscaler and its limits give as reasons. Those that begin or end a sentence come before those within it. */
export const reasons = new Phrases({
  // The autoscaler
  paused: ['paused', '已暂停'],
  says: ['<policy> says: <what>', '{policy} 认为：{what}'],
  nextDue: ['the next decision is due at {time} s', '下一次决策在第 {time} 秒'],
  threw: ['the policy threw an error', '策略出错'],
  noReason: ['no reason is given', '未说明原因'],
  noNumber: ['this is not a number of servers', '这不是服务器数量'],
  endedBefore: ['the run ended before the first decision', '运行在第一次决策之前就结束了'],
  atPeak: ['at the peak, {time} s in, <what>', '峰值时，第 {time} 秒，{what}'],
  atLowest: ['at the lowest, {time} s in, <what>', '最低时，第 {time} 秒，{what}'],
  keptAt: ['<what>, but {limit} kept it at {servers} servers', '{what}，但{limit}使其保持 {servers} 台'],
  held: ['<what> (it desires {servers}, limited by {limit})', '{what}（目标 {servers} 台，受限于{limit}）'],
  limitMin: ['min', '最小数量'],
  limitMax: ['max', '最大数量'],
  limitCooldown: ['cooldown', '冷却时间'],
  limitStabilization: ['stabilization', '稳定窗口'],
  limitStep: ['step', '步长限制'],
  limitMissing: ['missing-metrics', '指标缺失'],
  // What is missing
  unknownLoad: ['the load is unknown, so nothing changes', '负载未知，因此不变'],
  loadMissing: ['the load is missing: <why>', '负载缺失：{why}'],
  noReport: ['no ready server reports {metric}', '没有就绪的服务器报告{metric}'],
  unchanged: ['size unchanged', '数量不变'],
  silent: [
    '{silent} of {ready} ready servers do not report',
    '{ready} 台就绪的服务器中有 {silent} 台没有报告',
  ],
  lost: [
    '{lost} of {before} users lost their connection and may reconnect',
    '{before} 个用户中有 {lost} 个断开了连接，可能会重连',
  ],
  brokerGone: ['the broker cannot be reached', '无法连接消息代理'],
  notYet: ['not every server has reported yet', '尚有服务器没有报告'],
  // Several policies
  insufficient: ['<policy> has insufficient data (<what>)', '{policy} 数据不足（{what}）'],
  desires: ['<policy> desires {servers} (<what>)', '{policy} 要 {servers} 台（{what}）'],
  // Ends of sentences
  notReported: ['<what>, but {missing} do not report it', '{what}，但有 {missing} 台没有报告'],
  stillWarm: ['<what>, but {warming} servers warm up', '{what}，但有 {warming} 台仍在预热'],
  ofWarming: ['<what>, of which {warming} warm up', '{what}，其中 {warming} 台仍在预热'],
  andDraining: ['<what> and {draining} that drain', '{what}，另有 {draining} 台正在排空'],
  above: ['<what>, above the scale-up threshold of {up}', '{what}，高于扩容阈值 {up}'],
  below: ['<what>, below the scale-down threshold of {down}', '{what}，低于缩容阈值 {down}'],
  within: ['<what>, within {low} and {high}', '{what}，在 {low} 与 {high} 之间'],
  tolerated: ['<what>, within the tolerance of {tolerance}', '{what}，在容差 {tolerance} 之内'],
  uncertain: ['<what>, too uncertain to change', '{what}，不确定，因此不变'],
  corrected: [
    '<what> ({corrected} with {unready} not ready and {missing} missing)',
    '{what}（计入 {unready} 台未就绪、{missing} 台缺失后为 {corrected}）',
  ],
  aboveFor: ['<what>, above it for {seconds} s', '{what}，高于目标已 {seconds} 秒'],
  belowFor: ['<what>, below it for {seconds} s', '{what}，低于目标已 {seconds} 秒'],
  belowLong: ['<what>, below {share} % of it for long enough', '{what}，低于目标的 {share} % 已足够久'],
  noStep: ['<what>, for which {rule} has no step', '{what}，{rule} 中没有相应的步骤'],
  withReady: ['<what>, with {ready} ready', '{what}，{ready} 台就绪'],
  panic: ['panic: <what>', '恐慌：{what}'],
  at: ['<what>, at {target} a server', '{what}，每台服务器 {target}'],
  atTarget: ['<what>, at {target} per server', '{what}，每台服务器 {target}'],
  // What is seen
  usersOn: [
    '{load} users on <servers> are {average} a server',
    '{servers}共 {load} 个用户，平均每台 {average}',
  ],
  oneServer: ['1 server', '1 台服务器'],
  servers: ['{count} servers', '{count} 台服务器'],
  ofTarget: ['<what> are {ratio} of the target {target}', '{what}，是目标 {target} 的 {ratio} 倍'],
  against: ['<what> against the target of {target}', '{what}，目标为 {target}'],
  stepOut: [
    '<what> are {beyond} above {threshold}: {servers} servers from {from}',
    '{what}，超出 {threshold} 达 {beyond}：从 {from} 台到 {servers} 台',
  ],
  stepIn: [
    '<what> are {beyond} below {threshold}: {servers} servers from {from}',
    '{what}，低于 {threshold} 达 {beyond}：从 {from} 台到 {servers} 台',
  ],
  aServer: ['{value} {metric} a server', '每台服务器的{metric}为 {value}'],
  average: ['{mean} {metric} on average of {window} s', '{window} 秒内的平均{metric}为 {mean}'],
  expected: [
    '{now} {metric} now, {forecast} expected in {horizon} s',
    '{metric}现为 {now}，{horizon} 秒后预计 {forecast}',
  ],
  room: [
    '{load} {metric} and {beta} × √{root} of room are {room}',
    '{metric} {load} 加上 {beta} × √{root} 的余量为 {room}',
  ],
  highest: [
    'the highest of {count} averages of {seconds} s is {value} {metric}',
    '{count} 个 {seconds} 秒平均值中，{metric}最高为 {value}',
  ],
  percentile: [
    'percentile {rank} of {count} averages of {seconds} s is {value} {metric}',
    '{count} 个 {seconds} 秒平均值中，{metric}的第 {rank} 百分位为 {value}',
  ],
  behavior: [
    'it desires {servers} servers, its behavior allows {allowed}',
    '目标 {servers} 台，其 behavior 允许 {allowed} 台',
  ],
  scheduled: ['{servers} servers since <cron>', '自 {cron} 起 {servers} 台服务器'],
  notDue: ['no entry of the schedule was due yet', '日程中还没有到期的条目'],
  noForecast: ['no forecast within the first day', '第一天内没有预测'],
  forecast: ['{expected} users are forecast for this hour', '预计这一小时有 {expected} 个用户'],
  // slo
  begins: [
    '{load} users are all it knows yet: it holds the {servers} it has',
    '目前只知道有 {load} 个用户：保持现有的 {servers} 台',
  ],
  holdsOne: [
    '{count} server holds {room} users, {load} are there',
    '{count} 台服务器可容纳 {room} 个用户，现有 {load} 个',
  ],
  hold: [
    '{count} servers hold {room} users, {load} are there',
    '{count} 台服务器可容纳 {room} 个用户，现有 {load} 个',
  ],
  learning: ['it is still learning, and keeps the servers it has', '仍在学习，保持现有的服务器'],
  rising: ['fewer would do, but the load is rising', '更少也够，但负载正在上升'],
  starting: ['fewer would do, but it has grown within the horizon', '更少也够，但它刚刚扩容过'],
  close: ['fewer would do, but the difference is too small', '更少也够，但差别太小'],
  readyFor: [
    'ready for {users}: <what>, and {margin} % of <base>, kept {minutes} min',
    '为 {users} 个用户做好准备：{what}，再加{base}的 {margin} %，保持 {minutes} 分钟',
  ],
  ifGrows: ['<what> if its growth continues', '{what}（若继续增长）'],
  ifStays: ['<what> if it stays', '{what}（若保持不变）'],
  until: ['{expected} expected within {horizon} s', '{horizon} 秒内预计 {expected} 个'],
  untilThen: ['<what>: {expected} expected within {horizon} s', '{what}：{horizon} 秒内预计 {expected} 个'],
  theLoad: ['the load', '负载'],
  dayMean: ["the day's mean", '当天平均值'],
  riseOfHour: ['its usual rise at this time of the hour', '每小时此刻的惯常增幅'],
  riseOfDay: ['its usual rise at this time of the day', '每天此时的惯常增幅'],
  spareCost: ['<what> ({cost} an hour)', '{what}（每小时 {cost}）'],
  late: ['the last server may come {users} users late', '最后一台服务器可以晚 {users} 个用户'],
  spareOne: ['{count} is spare', '{count} 台空闲'],
  spare: ['{count} are spare', '{count} 台空闲'],
  unreachable: [
    '{level} % is unreachable here: the best is {share} % at {cost} ×',
    '这里无法达到 {level} %：最好是 {share} %，成本 {cost} 倍',
  ],
  soFar: ['this would have had {share} % at {cost} × so far', '迄今这样会有 {share} %，成本 {cost} 倍'],
  spent: ['spent {share} % of {level} % allowed', '允许的 {level} % 已用 {share} %'],
  // Metrics
  users: ['users', '用户数'],
  messages: ['messagesPerSecond', '每秒消息数'],
  utilization: ['utilization', '利用率'],
  queued: ['queued', '排队消息数'],
  cpu: ['cpu', ' CPU '],
  memory: ['memoryBytes', '内存字节数'],
  loop: ['eventLoopUtilization', '事件循环利用率'],
  latency: ['latencyP99Ms', ' p99 延迟（毫秒）'],
} as const)

/** `1 server`, `2 servers`. */
export const serversText = (count: number) =>
  count === 1 ? reasons.say('oneServer') : reasons.say('servers', { count })
