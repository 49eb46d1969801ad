import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { ConcertinaError } from '../../base/errors.ts'
import { parseTrace, readTrace } from './trace.ts'

const START = 1_748_822_400_000
const stamp = (second: number) => String(START + second * 1000)

it.each([
  [
    'users on lines of their own',
    (event: string, second: number) => `USER\tchat\t${event}\t${stamp(second)}\n`,
  ],
  [
    'an id, and the start beside the end',
    (event: string, second: number) =>
      `USER\tchat\t7\t${event}\t${stamp(0)}\t${event === 'END' ? stamp(second) : '0'}\n`,
  ],
  [
    'a scenario that is called END',
    (event: string, second: number) => `USER\tEND\t${event}\t${stamp(second)}\n`,
  ],
])('counts the users of simulation.log: %s', (_, line) => {
  const text = [
    `RUN\tSim\tsim\t${stamp(0)}\t \t3.9.5\n`,
    line('START', 0),
    line('START', 0),
    `REQUEST\t\tGET /\t${stamp(0)}\t${stamp(1)}\tOK\t \n`,
    line('END', 4),
    `REQUEST\t\tUSER\t${stamp(1)}\t${stamp(2)}\tKO\tSTART\n`,
    line('END', 6),
  ].join('')
  const { times, values } = parseTrace(text, 'simulation.log')
  expect([...times]).toEqual([0, 1, 2, 3, 4, 5, 6])
  expect([...values]).toEqual([2, 2, 2, 2, 1, 1, 0])
})

it('has no gap where the users stay, and not millions of points after a wrong clock', () => {
  const run = (...seconds: number[]) =>
    parseTrace(seconds.map((second) => `USER\tchat\tSTART\t${stamp(second)}\n`).join(''), 'f')
  expect(run(0, 1, 2, 3, 3600)).toMatchObject({ about: { gaps: [] } })
  const { values } = run(0, 300_000_000)
  expect(values.length).toBeLessThan(200_000)
  expect([values[0], values.at(-2), values.at(-1)]).toEqual([1, 1, 2])
})

it('reads the log of a run that was interrupted', () => {
  const whole = `USER\tchat\tSTART\t${stamp(0)}\nUSER\tchat\tSTART\t${stamp(5)}\n`
  for (const rest of ['USER', 'USER\tch', 'USER\tchat\tSTA', 'USER\tchat\tSTART\t17488']) {
    const { values, about } = parseTrace(whole + rest, 'f')
    expect([...values]).toEqual([1, 1, 1, 1, 1, 2])
    expect(about?.notes).toEqual(['the last line is cut off and was left out'])
  }
  expect(() => parseTrace(`USER\tchat\tSTA\n${whole}`, 'f')).toThrow(/^f:1: it is not a USER line$/)
})

it('reads the active users of the report', () => {
  const text = `allUsersData = {\nname: 'Active Users',\ndata: [\n  [${stamp(0)},3],[${stamp(1)},5],[${stamp(2)},null],[${stamp(3)},4]\n],\nzIndex: 20\n};`
  expect(parseTrace(text, 'f')).toMatchObject({
    times: Float64Array.of(0, 1, 3),
    values: Float64Array.of(3, 5, 4),
    about: { format: 'gatling', start: START, missing: 1 },
  })
  expect(() => parseTrace('allUsersData = {\ndata: [\n]\n};', 'f')).toThrow(/^f: it has no users$/)
})

it('says of the binary log what to take instead', () => {
  const version = '3.13.5'
  const log = Buffer.concat([
    Buffer.of(0, 0, 0, 0, version.length),
    Buffer.from(version),
    Buffer.of(0, 0, 0, 0, 3),
    Buffer.from('Sim'),
    Buffer.alloc(40, 0xf1),
  ])
  for (const bytes of [log, gzipSync(log)]) {
    const file = join(mkdtempSync(join(tmpdir(), 'concertina-gatling-')), 'simulation.log')
    writeFileSync(file, bytes)
    let caught: unknown
    try {
      readTrace(file)
    } catch (error) {
      caught = error
    }
    expect(caught).toBeInstanceOf(ConcertinaError)
    const { message, hint, exitStatus } = caught as ConcertinaError
    expect(message).toBe(`${file}: it is not text but the binary simulation.log of Gatling 3.12 or later`)
    expect(hint).toContain('js/all_sessions.js')
    expect(exitStatus).toBe(2)
  }
})
