import { Phrases } from '../../base/phrases.ts'
import { fileNotes } from '../../base/text-file.ts'

/** What the reading of a trace says: what its values are, and what was found out or assumed. */
export const traceWords = new Phrases(
  {
    // What the values are
    column: ['column <name>', '列 {name}'],
    series: ['series <name>', '序列 {name}'],
    metricOfK6: ['metric <name> of k6', 'k6 的指标 {name}'],
    metric: ['metric <name>', '指标 {name}'],
    requests: ['requests per {seconds} s', '每 {seconds} 秒的请求数'],
    visitors: [
      'visitors (address and browser) within {session} s of a request, every {step} s',
      '请求后 {session} 秒内的访客（地址与浏览器），每 {step} 秒',
    ],
    report: ['active users of the report', '报告中的活跃用户'],
    started: ['users that started and did not end', '已开始而未结束的用户'],
    threads: ['allThreads of JMeter, the most of each second', 'JMeter 的 allThreads，每秒取最大值'],
    // Times
    zoneless: ['the times name no zone and were read as UTC', '时间没有时区，按 UTC 读取'],
    setBack: [
      'the clock was set back an hour at line {line}; what follows counts on',
      '时钟在第 {line} 行被拨回一小时，其后的时间继续累计',
    ],
    days: ['the times are days of a spreadsheet', '时间是电子表格的天数'],
    monthFirst: ['the dates were read as month/day/year', '日期按 月/日/年 读取'],
    elapsed: ['the times are hours:minutes since the start', '时间是从开始起的 时:分'],
    epoch: ['the times are {unit} since 1970', '时间是 1970 年以来的{unit}'],
    seconds: ['seconds', '秒数'],
    milliseconds: ['milliseconds', '毫秒数'],
    microseconds: ['microseconds', '微秒数'],
    nanoseconds: ['nanoseconds', '纳秒数'],
    // Rows
    sorted: ['the rows are not in order of time and were sorted', '各行不按时间排列，已排序'],
    repeated: ['{count} rows that are there twice were left out', '略去 {count} 个重复的行'],
    conflicts: [
      '{count} times have two values; the later row was read',
      '{count} 个时间有两个值，取后面的行',
    ],
    cutOff: ['the last line is cut off and was left out', '最后一行不完整，已略去'],
    skipped: ['{skipped} of {all} lines are not requests', '{all} 行中有 {skipped} 行不是请求'],
    totals: ['only the rows Aggregated of Locust were read', '只读取了 Locust 的 Aggregated 行'],
    partial: [
      'CloudWatch did not give all of it (StatusCode, NextToken)',
      'CloudWatch 没有给出全部（StatusCode、NextToken）',
    ],
    others: ['<one> was read; there are <others>, too', '读取了 {one}；另有 {others}'],
  } as const,
  fileNotes,
)
