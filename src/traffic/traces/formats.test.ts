import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { ConcertinaError } from '../../base/errors.ts'
import { TRACE_FORMATS } from './formats.ts'
import { parseTrace, readTrace } from './trace.ts'

const USERS = [20, 30, 50, 40, 60, 20]
const STEP = 60
const START = 1_748_822_400
const at = (i: number) => START + i * STEP
const iso = (i: number) => new Date(at(i) * 1000).toISOString()
const lines = (line: (users: number, i: number) => string, head?: string) =>
  [...(head === undefined ? [] : [head]), ...USERS.map(line), ''].join('\n')
const MONTH_LOG = (second: number) => {
  const [, day, , year, time] = new Date(second * 1000).toUTCString().split(' ')
  return `${day}/Jun/${year}:${time} +0000`
}

const requests = (line: (i: number, user: number) => string) =>
  lines((users, i) => Array.from({ length: users }, (_, u) => line(i, u)).join('\n'))

/** The same load in every format, and in the dialects people meet: format, text, options. */
const SAMPLES: readonly [dialect: string, format: string, text: string, column?: string, start?: number][] = [
  ['our own', 'csv', lines((users, i) => `${i * STEP},${users}`, 't_seconds,value')],
  ['quotes', 'csv', lines((users, i) => `"${i * STEP}","${users}"`, '"t_seconds","value"')],
  ['no header', 'csv', lines((users, i) => `${at(i)},${users}`)],
  ['tabs and any names', 'csv', lines((users, i) => `${iso(i)}\t${users}`, 'when\thow many')],
  ['semicolons, decimal commas', 'csv', lines((users, i) => `${iso(i)};${users},0`, 'Time;users')],
  ['epoch milliseconds', 'csv', lines((users, i) => `${at(i) * 1000},${users}`, 't_seconds,value')],
  ['epoch microseconds', 'csv', lines((users, i) => `${at(i) * 1e6},${users}`, 'ts,value')],
  [
    'an id before the times',
    'csv',
    lines((users, i) => `${i + 1},${at(i)}000,${users}`, 'id,epoch_ms,users'),
  ],
  [
    'a number before times of any name',
    'csv',
    lines((users, i) => `${i + 1},${at(i)},${users}`, 'no,measured,users'),
  ],
  [
    'a number before dates of any name',
    'csv',
    lines((users, i) => `${i + 1},${iso(i)},${users}`, 'no,measured,users'),
  ],
  [
    'a zone',
    'csv',
    lines(
      (users, i) => `${new Date((at(i) + 7200) * 1000).toISOString().slice(0, 19)}+02:00,${users}`,
      'time,value',
    ),
  ],
  [
    'newest first',
    'csv',
    `time,users\n${USERS.map((users, i) => `${iso(i)},${users}`)
      .reverse()
      .join('\n')}`,
  ],
  ['a column by name', 'csv', lines((users, i) => `${iso(i)},1,${users}`, 'time,cpu,sockets'), 'sockets'],
  ['a column by number', 'csv', lines((users, i) => `${iso(i)},1,${users}`, 'time,cpu,sockets'), '3'],
  ['the sum of columns', 'csv', lines((users, i) => `${iso(i)},${users - 5},5`, 'time,a,b'), 'sum'],
  [
    'a column of values of its own name beside text',
    'csv',
    lines((users, i) => `eu,${iso(i)},${users}`, 'zone,time,online'),
  ],
  ['thousands', 'csv', lines((users, i) => `${iso(i)},"${i === 2 ? '50' : `${users}.0`}"`, 'time,users')],
  [
    'day first',
    'csv',
    lines((users, i) => `13/06/2025 00:0${i},${users}`, 'Date,users'),
    undefined,
    Date.UTC(2025, 5, 13),
  ],
  [
    'month first with AM and PM',
    'csv',
    lines((users, i) => `6/13/2025 12:0${i} AM;${users}`, 'Date;users'),
    undefined,
    Date.UTC(2025, 5, 13),
  ],
  ['points in the date', 'csv', lines((users, i) => `02.06.2025 00:0${i}:00;${users}`, 'Zeit;users')],
  ['names of months', 'csv', lines((users, i) => `"Jun 2, 2025, 12:0${i} AM GMT",${users}`, 'Time,users')],
  [
    'date and time of day apart',
    'csv',
    lines((users, i) => `2025-06-02,00:0${i},${users}`, 'Date,Time,users'),
  ],
  ['an empty last column', 'csv', lines((users, i) => `${iso(i)},${users},`, 'time,users,')],
  [
    'shuffled and doubled',
    'csv',
    `time,users\n${[3, 1, 1, 0, 5, 2, 4].map((i) => `${iso(i)},${USERS[i]}`).join('\n')}`,
  ],
  [
    'titles above',
    'csv',
    lines((users, i) => `${iso(i)},${users}`, 'Report,Users\n\nUnit,Count\nTime,users'),
  ],
  [
    'comments',
    'csv',
    lines((users, i) => `${iso(i)},${users}`, '#group,false\n#default,_result\n_time,_value'),
  ],
  ['a separator named for Excel', 'csv', lines((users, i) => `${iso(i)};${users}`, 'sep=;\ntime;users')],
  [
    'a row for each server',
    'csv',
    lines((users, i) => `${iso(i)},a,${users - 5}\n${iso(i)},b,5`, 'time,server,users'),
    'sum',
  ],
  ['cells of no value at the end', 'csv', `${lines((users, i) => `${iso(i)},${users}`, 'time,users')},,\n`],
  [
    'locust',
    'csv',
    lines(
      (users, i) => `${at(i)},${users},,/a,1\n${at(i)},${users},,Aggregated,2`,
      'Timestamp,User Count,Type,Name,Requests/s',
    ),
  ],
  [
    'k6',
    'csv',
    lines(
      (users, i) => `vus,${at(i)},${users},,\nhttp_reqs,${at(i)},1,,`,
      'metric_name,timestamp,metric_value,check,error',
    ),
  ],
  [
    'k6',
    'k6-json',
    `{"type":"Metric","data":{"name":"vus"},"metric":"vus"}\n${lines(
      (users, i) =>
        `{"metric":"vus","type":"Point","data":{"time":"${iso(i).replace('.000Z', '.000000000Z')}","value":${users},"tags":null}}\n{"metric":"data_sent","type":"Point","data":{"time":"${iso(i)}","value":7}}`,
    )}`,
  ],
  [
    'one series',
    'prometheus',
    JSON.stringify({
      status: 'success',
      data: {
        resultType: 'matrix',
        result: [{ metric: {}, values: USERS.map((users, i) => [at(i), String(users)]) }],
      },
    }),
  ],
  [
    'as promtool prints it',
    'prometheus',
    JSON.stringify([{ metric: { job: 'x' }, values: USERS.map((users, i) => [at(i), String(users)]) }]),
  ],
  [
    'the highest of several series',
    'prometheus',
    JSON.stringify({
      status: 'success',
      data: {
        resultType: 'matrix',
        result: [1, 0.5].map((factor) => ({
          metric: { pod: `p${factor}` },
          values: USERS.map((users, i) => [at(i), String(users * factor)]),
        })),
      },
    }),
    'max',
  ],
  [
    'get-metric-data',
    'cloudwatch',
    JSON.stringify({
      MetricDataResults: [
        {
          Id: 'm1',
          Label: 'x',
          Timestamps: USERS.map((_, i) => iso(i)).reverse(),
          Values: USERS.toReversed(),
        },
      ],
    }),
  ],
  [
    'get-metric-statistics, in no order',
    'cloudwatch',
    JSON.stringify({
      Label: 'Connections',
      Datapoints: [3, 0, 5, 1, 4, 2].map((i) => ({
        Timestamp: iso(i),
        Average: USERS[i],
        Maximum: 99,
        Unit: 'Count',
      })),
    }),
  ],
  [
    'a range',
    'openmetrics',
    `# TYPE users gauge\n${lines((users, i) => `users{job="chat"} ${users} ${at(i)}`)}# EOF\n`,
  ],
  [
    'a run',
    'gatling',
    `RUN\tsim\tsim\t${at(0) * 1000}\t \t3\n${USERS.map((users, i) => {
      const change = users - (USERS[i - 1] ?? 0)
      return Array.from(
        { length: Math.abs(change) },
        () => `USER\tchat\t${change > 0 ? 'START' : 'END'}\t${at(i) * 1000}\n`,
      ).join('')
    }).join('')}`,
  ],
  [
    'combined',
    'access-log',
    lines((users, i) =>
      Array.from(
        { length: users },
        (_, u) => `10.0.${u}.1 - - [${MONTH_LOG(at(i))}] "GET / HTTP/1.1" 200 5 "-" "Agent/1"`,
      ).join('\n'),
    ),
    'requests',
  ],
  [
    'an application load balancer',
    'load-balancer-log',
    lines((users, i) =>
      Array.from(
        { length: users },
        (_, u) =>
          `wss ${iso(i).slice(0, 19)}.123456Z app/chat/50dc6c495c0c9188 10.0.${u}.1:2817 10.0.0.1:80 0.086 0.048 0.037 101 101 218 787 ` +
          '"GET wss://chat.example.org:443/chat HTTP/1.1" "Agent/1" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:x "Root=1" "-" "-" 0',
      ).join('\n'),
    ),
    'requests',
  ],
  [
    'a classic load balancer',
    'load-balancer-log',
    lines((users, i) =>
      Array.from(
        { length: users },
        (_, u) =>
          `${iso(i).slice(0, 19)}.943872Z chat 10.0.${u}.1:2817 - 0.000073 0.001048 0.000057 200 200 0 29 "GET http://www.example.org:80/ HTTP/1.1" "-" - -`,
      ).join('\n'),
    ),
    'requests',
  ],
  [
    'behind the name of a virtual host',
    'access-log',
    requests(
      (i, u) => `chat.example.org:443 10.0.${u}.1 - - [${MONTH_LOG(at(i))}] "GET / HTTP/1.1" 200 5 "-" "A"`,
    ),
    'requests',
  ],
  [
    'a network load balancer',
    'load-balancer-log',
    requests(
      (i, u) =>
        `tls 2.0 ${iso(i).slice(0, 19)} net/chat/c6e7 51dc 10.0.${u}.1:51341 10.0.0.1:443 5 2 98 246 - arn:aws:x - ECDHE tlsv12 - chat - - -`,
    ),
    'requests',
  ],
  [
    'HAProxy behind syslog',
    'proxy-log',
    requests(
      (i, u) =>
        `Jun  2 00:00:01 lb haproxy[123]: 10.0.${u}.1:4711 [${MONTH_LOG(at(i)).replace(' +0000', '.123')}] http-in~ app/srv1 0/0/1/5/6 200 512 - - ---- 1/1/0/0/0 0/0 "GET / HTTP/1.1"`,
    ),
    'requests',
  ],
  [
    'Envoy',
    'proxy-log',
    requests(
      (i, u) =>
        `[${iso(i)}] "GET / HTTP/1.1" 200 - 0 12 5 4 "10.0.${u}.1, 10.9.9.9" "A/1" "id" "host" "10.1.1.1:80"`,
    ),
    'requests',
  ],
  [
    'Envoy in Istio',
    'proxy-log',
    requests(
      (i, u) =>
        `[${iso(i)}] "GET / HTTP/1.1" 200 - via_upstream - "-" 0 12 5 4 "10.0.${u}.1" "A/1" "id" "host" "10.1.1.1:80" x`,
    ),
    'requests',
  ],
  [
    'IIS',
    'w3c-log',
    `#Version: 1.0\n#Fields: date time s-ip cs-method c-ip cs(User-Agent) sc-status\n${requests(
      (i, u) => `${iso(i).slice(0, 19).replace('T', ' ')} 10.9.9.9 GET 10.0.${u}.1 Agent/1+(X) 200`,
    )}`,
    'requests',
  ],
  [
    'CloudFront',
    'w3c-log',
    `#Fields: date time x-edge-location c-ip cs(User-Agent)\n${requests(
      (i, u) => `${iso(i).slice(0, 19).replace('T', '\t')}\tFRA\t10.0.${u}.1\tAgent/1`,
    )}`,
    'requests',
  ],
  [
    'exemplars',
    'openmetrics',
    `# TYPE users gauge\n${lines((users, i) => `users{pod="a } b"} ${users} ${at(i)}.000 # {trace_id="x"} 0.6 ${at(i)}`)}# EOF\n`,
  ],
  [
    'a table of psql',
    'csv',
    `          time          | users\n------------------------+-------\n${lines((users, i) => ` ${iso(i)} |  ${users}`)}(6 rows)\n`,
  ],
  [
    'a table of Markdown',
    'csv',
    `| time | users |\n|---|---|\n${lines((users, i) => `| ${iso(i)} | ${users} |`)}`,
  ],
  ['spaces', 'csv', lines((users, i) => `${at(i)} ${users}`, 'time users')],
  [
    'days of a spreadsheet',
    'csv',
    lines((users, i) => `${(at(i) / 86_400 + 25_569).toFixed(6)},${users}`, 'Date,users'),
  ],
  ['Chinese dates', 'csv', lines((users, i) => `2025年6月2日 00:0${i},${users}`, '时间,用户')],
  ['a zone by its name, too', 'csv', lines((users, i) => `${iso(i)}[Etc/UTC],${users}`, 'time,users')],
  [
    'JMeter',
    'csv',
    lines(
      (users, i) =>
        [1, 2].map((n) => `${at(i) * 1000 + n},5,home,${users - 2 + n},${users - 2 + n}`).join('\n'),
      'timeStamp,elapsed,label,grpThreads,allThreads',
    ),
  ],
  [
    'nginx',
    'json-access-log',
    lines((users, i) =>
      Array.from(
        { length: users },
        (_, u) =>
          `{"time_iso8601":"${iso(i)}","remote_addr":"10.0.${u}.1","request_time":0.004,"http_user_agent":"Agent/1"}`,
      ).join('\n'),
    ),
    'requests',
  ],
  [
    'the active users of its report',
    'gatling',
    `allUsersData = {\n    \ncolor: '#FFA900',\nname: 'Active Users',\ndata: [\n  ${USERS.map((users, i) => `[${at(i) * 1000},${users}]`)}\n],\ntooltip: { yDecimals: 0 }\n};`,
  ],
]

const minutes = ({ times, values }: { times: Float64Array; values: Float64Array }) =>
  USERS.map((_, i) => values[times.findIndex((time) => time - times[0]! === i * STEP)])

describe('every trace format', () => {
  it.each(SAMPLES)('reads the same load: %s (%s)', (_, format, text, column, start = START * 1000) => {
    const trace = parseTrace(text, 'file', { column })
    expect(minutes(trace)).toEqual(USERS)
    expect(trace.about).toMatchObject({ format, missing: 0, gaps: [] })
    if (!text.startsWith('t_seconds,value\n0') && !text.startsWith('"t_seconds"'))
      expect(trace.about?.start).toBe(start)
  })

  it('has a sample of each', () => {
    expect(new Set(SAMPLES.map(([, format]) => format))).toEqual(
      new Set(TRACE_FORMATS.map(({ name }) => name)),
    )
  })

  it.each(SAMPLES)(
    'names the file, and never repeats it, when it is cut off: %s (%s)',
    (_, __, text, column) => {
      for (let cut = 0; cut < text.length; cut += Math.ceil(text.length / 23)) {
        try {
          parseTrace(text.slice(0, cut), 'the-file', { column })
        } catch (error) {
          expect(error).toBeInstanceOf(ConcertinaError)
          expect((error as Error).message).toMatch(/^the-file/)
          expect((error as Error).message.length).toBeLessThan(400)
        }
      }
    },
  )

  it('is read in every encoding, packed or not', () => {
    const folder = mkdtempSync(join(tmpdir(), 'concertina-encodings-'))
    for (const [name, format, text, column] of SAMPLES) {
      const utf16 = Buffer.from(`\uFEFF${text}`, 'utf16le')
      const all = [Buffer.from(text), Buffer.from(`\uFEFF${text}`), utf16, Buffer.from(utf16).swap16()]
      for (const bytes of [...all, ...all.map((each) => gzipSync(each))]) {
        const file = join(folder, 'trace')
        writeFileSync(file, bytes)
        expect([name, format, minutes(readTrace(file, { column }))]).toEqual([name, format, USERS])
      }
    }
  })
})

it('leaves out what is missing, and says so', () => {
  for (const missing of ['', 'NaN', 'null', 'N/A', '-']) {
    const text = `time,users\n${iso(0)},1\n${iso(1)},${missing}\n${iso(2)},3\n`
    expect(parseTrace(text, 'f')).toMatchObject({ about: { missing: 1 }, values: Float64Array.of(1, 3) })
  }
})

function hintOf(read: () => unknown): string | undefined {
  try {
    read()
  } catch (error) {
    return (error as ConcertinaError).hint
  }
  return undefined
}

it('finds the gaps', () => {
  const times = [0, 60, 120, 180, 900, 960]
  const text = `t_seconds,value\n${times.map((time) => `${time},1\n`).join('')}`
  expect(parseTrace(text, 'f').about?.gaps).toEqual([{ from: 180, to: 900 }])
})

it('counts the visitors of an access log within a session', () => {
  const log = [0, 30, 400, 1200].map((s) => `1.1.1.1 - - [${MONTH_LOG(START + s)}] "GET / HTTP/1.1" 200 5`)
  log.push(`2.2.2.2 - - [${MONTH_LOG(START + 30)}] "GET / HTTP/1.1" 200 5`, 'junk')
  const { values, about } = parseTrace(log.join('\n'), 'f', { session: 120 })
  expect(values[0]).toBe(2)
  expect(values[5]).toBe(0)
  expect(values[6]).toBe(1)
  expect(about?.notes).toEqual(['1 of 6 lines are not requests'])
})

it.each([
  [Buffer.from([0x1f, 0x8b, 1, 2, 3]), /the gzip data is damaged/],
  [gzipSync('t_seconds,value\n0,1\n1,2\n').subarray(0, -9), /the gzip data ends too early/],
  [Buffer.concat([gzipSync('x'), gzipSync('y').fill(0xff, 10)]), /the gzip data is damaged/],
  [Buffer.from([0, 1, 2, 3]), /it is not text/],
  [Buffer.from([0x50, 0x4b, 3, 4, 0, 0, 0]), /it is not text but an Excel workbook or a ZIP archive/],
  [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 4, 0x41]), /it is not text but packed by zstd/],
  [Buffer.from([0x74, 0xff, 0x01]), /not valid UTF-8/],
])('says in one line what is not text', (bytes, message) => {
  const file = join(mkdtempSync(join(tmpdir(), 'concertina-bytes-')), 'trace')
  writeFileSync(file, bytes)
  expect(() => readTrace(file)).toThrow(message)
})

/** A gzip member with every optional field in its header. */
function memberOf(text: string): Buffer {
  const plain = gzipSync(text)
  const header = Buffer.from(plain.subarray(0, 10))
  header[3] = 4 | 8 | 16
  const fields = Buffer.from('\x03\x00abcname\x00comment\x00', 'latin1')
  return Buffer.concat([header, fields, plain.subarray(10)])
}

it('reads gzip data of several members and leaves out what follows them, as gzip -d does', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'concertina-gzip-')), 'trace.gz')
  const read = (...parts: Buffer[]) => {
    writeFileSync(file, Buffer.concat(parts))
    const { values, about } = readTrace(file)
    return { values: [...values], notes: about?.notes }
  }
  const members = [gzipSync('t_seconds,value\n0,1\n'), memberOf('1,2\n')]
  expect(read(...members)).toEqual({ values: [1, 2], notes: [] })
  expect(read(...members, Buffer.from('garbage'))).toEqual({
    values: [1, 2],
    notes: ['7 bytes behind the gzip data were left out'],
  })
})

it.each([
  ['1,234;1,050', [1234, 1050]],
  ['1.234,5;1.050,0', [1234.5, 1050]],
  ['1 234;1 050', [1234, 1050]],
  ["1'234;999", [1234, 999]],
  ['1.234.567;1.050', [1_234_567, 1050]],
  ['1.234;1.5', [1.234, 1.5]],
  ['1,5;0,125', [1.5, 0.125]],
  ['1.2k;950', [1200, 950]],
  ['12;1.5', [12, 1.5]],
])('reads the numbers of %s', (cells, values) => {
  const rows = cells.split(';').map((cell, i) => `${iso(i)}\t"${cell}"`)
  expect([...parseTrace(`time\tusers\n${rows.join('\n')}`, 'f').values]).toEqual(values)
})

it('says what it had to assume', () => {
  const notes = (text: string) => parseTrace(text, 'f').about?.notes
  expect(notes('time,v\n6/2/2025,1\n6/3/2025,2')).toEqual([
    'the times name no zone and were read as UTC',
    'the dates were read as month/day/year',
  ])
  expect(notes(`time,v\n${iso(1)},1\n${iso(0)},2\n${iso(2)},2\n${iso(2)},2`)).toEqual([
    'the rows are not in order of time and were sorted',
    '1 rows that are there twice were left out',
  ])
  expect(notes('t_seconds,value\n1748822400000,1\n1748822460000,2')).toEqual([
    'the times are milliseconds since 1970',
  ])
})

it('reads points as those of thousands where semicolons show that a comma would be the decimal one', () => {
  expect([...parseTrace(`time;users\n${iso(0)};1.050\n${iso(1)};999\n`, 'f').values]).toEqual([1050, 999])
})

it('counts on where the clock of the file was set back an hour', () => {
  const row = (clock: string, i: number) => `2025-10-26 ${clock},${i}`
  const clocks = ['01:30', '02:00', '02:30', '02:00', '02:30', '03:00']
  const { times, values, about } = parseTrace(`time,users\n${clocks.map(row).join('\n')}`, 'f')
  expect([...times]).toEqual([0, 1800, 3600, 5400, 7200, 9000])
  expect([...values]).toEqual([0, 1, 2, 3, 4, 5])
  expect(about?.notes).toContain('the clock was set back an hour at line 5; what follows counts on')
})

it('leaves out the last line of a run of k6 that was interrupted', () => {
  const point = (i: number) => `{"metric":"vus","type":"Point","data":{"time":"${iso(i)}","value":${i}}}\n`
  const trace = parseTrace(`${point(0)}${point(1)}{"metric":"vus","ty`, 'f')
  expect([...trace.values]).toEqual([0, 1])
  expect(trace.about?.notes).toEqual(['the last line is cut off and was left out'])
})

it('distinguishes series of CloudWatch that have the same label, and says that an answer is not whole', () => {
  const result = (Id: string) => ({
    Id,
    Label: 'Users',
    Timestamps: [iso(0), iso(1)],
    Values: [1, 2],
    StatusCode: 'PartialData',
  })
  const text = JSON.stringify({ MetricDataResults: [result('m1'), result('m2')] })
  expect(() => parseTrace(text, 'f')).toThrow(/Users \(m1\) \| Users \(m2\)/)
  expect(parseTrace(text, 'f', { column: '2' }).about?.notes).toEqual([
    'CloudWatch did not give all of it (StatusCode, NextToken)',
  ])
})

it.each([
  [
    'a counter',
    `# TYPE r counter\nr_total 1 ${at(0)}\nr_total 2 ${at(1)}\n`,
    /^f: r_total is a counter, which only/,
  ],
  [
    'a summary of k6',
    '{"root_group":{},"metrics":{"vus":{"value":1}}}',
    /^f: it is the summary of a run of k6/,
  ],
  [
    'statistics of Locust',
    'Type,Name,Request Count\nGET,/,1\n',
    /^f: it is the statistics of a run of Locust/,
  ],
  ['statistics of Gatling', '{"type":"GROUP","stats":{}}', /^f: it is the statistics of a run of Gatling/],
  ['a web page', '<!DOCTYPE html><html></html>', /^f: it is a web page/],
  ['one row', `time,users\n${iso(0)},1\n`, /^f: it has one row$/],
  [
    'two values at most times',
    `time,users\n${iso(0)},1\n${iso(0)},2\n`,
    /^f:3: time 2025-06-02T00:00:00.000Z is there twice/,
  ],
  ['a span of ages', 'time,users\n0,1\n1e300,2\n', /^f:3: it is 3.2e\+283 years after the first point$/],
  [
    'fields without a client',
    '#Fields: date time cs-ip c-ip\n#Fields: date time\n',
    /^f:2: there is no field c-ip$/,
  ],
  [
    'fewer values than times',
    JSON.stringify({ MetricDataResults: [{ Timestamps: [iso(0), iso(1)], Values: [1] }] }),
    /^f: MetricDataResults\[0\]: 2 Timestamps and 1 Values$/,
  ],
])('says what is wrong with %s', (_, text, wrong) => {
  expect(() => parseTrace(text, 'f')).toThrow(wrong)
})

it.each([
  [
    'UTF-16, big-endian, without a mark',
    Buffer.from(`time,users\n${iso(0)},1\n${iso(1)},2\n`, 'utf16le').swap16(),
    'users',
    [],
  ],
  ['UTF-16 without a mark', Buffer.from(`time,users\n${iso(0)},1\n${iso(1)},2\n`, 'utf16le'), 'users', []],
  [
    'Windows-1252',
    Buffer.from(`time,Größe\n${iso(0)},1\n${iso(1)},2\n`, 'latin1'),
    'Größe',
    ['it is not valid UTF-8 and was read as Windows-1252'],
  ],
  [
    'GBK',
    Buffer.concat([
      Buffer.from('time,'),
      Buffer.from([0xd3, 0xc3, 0xbb, 0xa7]),
      Buffer.from(`\n${iso(0)},1\n${iso(1)},2\n`),
    ]),
    '用户',
    ['it is not valid UTF-8 and was read as GBK'],
  ],
])('reads %s', (_, bytes, column, notes) => {
  const file = join(mkdtempSync(join(tmpdir(), 'trace-')), 'load.csv')
  writeFileSync(file, bytes)
  expect(readTrace(file).about).toMatchObject({ values: `column ${column}`, notes })
})

it('is not led by one wrong clock to a trace of millions of points', () => {
  const log = `${[0, 1].map((i) => `1.1.1.1 - - [01/Jan/${1971 + 50 * i}:00:00:00 +0000] "GET / HTTP/1.1" 200 5`).join('\n')}\n`
  expect(() => parseTrace(log, 'f')).toThrow(/the requests span 18263 days/)
})

it.each([
  ['vector', { resultType: 'vector', result: [{ metric: {}, value: [START, '5'] }] }],
  ['scalar', { resultType: 'scalar', result: [START, '5'] }],
])('says that a range query is needed instead of one for a %s', (_, data) => {
  const read = () => parseTrace(JSON.stringify({ status: 'success', data }), 'f')
  expect(read).toThrow(/^f: it is the answer of an instant query, which has one moment only$/)
  expect(hintOf(read)).toBe('the answer of a range query, /api/v1/query_range')
  const printed = () => parseTrace(JSON.stringify([{ metric: {}, value: [START, '5'] }]), 'f')
  expect(printed).toThrow(/instant query/)
})

it('says in words where an answer of Prometheus is not as it should be', () => {
  const answer = (data: object) => () => parseTrace(JSON.stringify({ status: 'success', data }), 'f')
  expect(answer({ resultType: 'matrix', result: [{ metric: {}, values: [[START, 5]] }] })).toThrow(
    /^f: data\.result\[0\]\.values\[0\]\[1\]: 5 is not allowed$/,
  )
  expect(answer({ resultType: 'streams', result: [] })).toThrow(
    /^f: data\.resultType: "streams" is not allowed$/,
  )
  expect(answer({ resultType: 'matrix' })).toThrow(/^f: data\.result: is missing$/)
})

it.each([
  ['one column', 'users\n_,50 req/s\n_,60 req/s', undefined, /^f:2: users is "50 req\/s"$/],
  ['some cells', 'a,b\n_,50,1\n_,60 %,1\n_,70,1\n_,70,1\n_,70,1', 'a', /^f:3: a is "60 %"$/],
  [
    'all columns',
    'a,b\n_,50 req/s,1.2 Kreq/s\n_,60 req/s,5 req/s',
    undefined,
    /^f:2: no column has numbers, but "50 req\/s"$/,
  ],
])('says how to export values that have units in %s', (_, text, column, wrong) => {
  let i = 0
  const read = () => parseTrace(`time,${text.replaceAll('_', () => iso(i++))}`, 'f', { column })
  expect(read).toThrow(wrong)
  expect(hintOf(read)).toMatch(/from Grafana: the raw values, with "Formatted data" off$/)
})
