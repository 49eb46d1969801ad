import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { patternWords } from './pattern-words.ts'
import { custom } from './patterns/custom.ts'
import { createPattern, PATTERN_KINDS, type PatternSpec } from './patterns.ts'
import { parseTrace, readTrace, tracePattern } from './traces/trace.ts'

const file = join(mkdtempSync(join(tmpdir(), 'concertina-trace-')), 'trace.csv')
writeFileSync(file, 't_seconds,value\n0,10\n10,30\n30,0\n')

const ramp: PatternSpec = { kind: 'ramp', from: 0, to: 100, duration: 10 }
const flat: PatternSpec = { kind: 'constant', users: 20, duration: 10 }

/** Of each kind an example, with users at some times. */
const EXAMPLES: [PatternSpec, Record<number, number>][] = [
  [
    { kind: 'three-phase', duration: 30, baseRate: 5, peakRate: 50 },
    { 0: 5, 6: 35, 9: 50, 21: 50, 24: 35, 30: 5, 99: 5 },
  ],
  [flat, { 0: 20, 50: 20 }],
  [
    {
      kind: 'steps',
      steps: [
        { at: 5, users: 1 },
        { at: 8, users: 9 },
      ],
      duration: 10,
    },
    { 0: 0, 5: 1, 7.9: 1, 8: 9, 99: 9 },
  ],
  [ramp, { 0: 0, 5: 50, 10: 100, 11: 100 }],
  [
    { kind: 'spike', base: 2, peak: 90, at: 5, width: 2, duration: 20 },
    { 4.9: 2, 5: 90, 6.9: 90, 7: 2 },
  ],
  [
    { kind: 'diurnal', mean: 50, amplitude: 80, period: 100, peakAt: 25 },
    { 25: 130, 75: 0, 125: 130 },
  ],
  [
    { kind: 'custom', users: '5 + 45 * sin(pi * progress)', duration: 20 },
    { 0: 5, 10: 50, 20: 5, 99: 5 },
  ],
  [
    { kind: 'trace', file, speed: 2, scale: 3 },
    { 0: 30, 2.5: 60, 5: 90, 10: 45, 15: 0, 99: 0 },
  ],
  [
    { kind: 'sequence', patterns: [ramp, flat, ramp] },
    { 5: 50, 10: 20, 19: 20, 25: 50, 99: 100 },
  ],
  [
    { kind: 'sum', patterns: [ramp, { ...flat, duration: 20 }] },
    { 5: 70, 10: 120, 15: 20 },
  ],
  [{ kind: 'scale', pattern: ramp, factor: 0.5 }, { 10: 50 }],
  [
    { kind: 'clamp', pattern: ramp, min: 10, max: 60 },
    { 0: 10, 5: 50, 10: 60 },
  ],
  [
    { kind: 'repeat', pattern: ramp, times: 3 },
    { 5: 50, 10: 0, 15: 50, 25: 50, 30: 100, 99: 100 },
  ],
  [
    { kind: 'jitter', pattern: flat, amount: 0 },
    { 0: 20, 9: 20 },
  ],
]

describe('load patterns', () => {
  it('have an example each', () => {
    expect(EXAMPLES.map(([spec]) => spec.kind)).toEqual(PATTERN_KINDS)
  })

  it.each(EXAMPLES)('%o', (spec, expected) => {
    const pattern = createPattern(spec)
    for (const [time, users] of Object.entries(expected))
      expect(pattern.users(Number(time))).toBeCloseTo(users, 9)
  })

  it.each(EXAMPLES)('%o can be read in Chinese', (spec) => {
    const { description } = createPattern(spec)
    expect(patternWords.translate(description, 'en')).toBe(description)
    const chinese = patternWords.translate(description, 'zh')
    expect(chinese).not.toBe(description)
    // What was given is shown as it was given.
    const given = spec.kind === 'custom' ? spec.users : file
    expect(chinese.replace(given, '')).not.toMatch(/[a-z]/i)
  })

  it.each(EXAMPLES)('%o is a pure function and never negative', (spec) => {
    const pattern = createPattern(spec)
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 200, noNaN: true })), (times) => {
        const once = times.map((time) => pattern.users(time))
        const again = times.toReversed().map((time) => pattern.users(time))
        expect(again.reverse()).toEqual(once)
        for (const users of once) expect(users).toBeGreaterThanOrEqual(0)
      }),
    )
  })

  it('rejects a curve that is not always a number of users', () => {
    const of = (users: string) => () => createPattern({ kind: 'custom', users, duration: 1 })
    expect(of('10 * sin(2 * pi * progress)')).toThrow(/users: it is -\S+ at progress 0.501/)
    expect(of('1 / progress')).toThrow(/users: it is Infinity at progress 0/)
    expect(of('fetch(1)')).toThrow(/users: character 1: there is no "fetch"/)
  })

  it('jitters by seed within its amount', () => {
    const of = (seed: number) => createPattern({ kind: 'jitter', pattern: flat, amount: 0.5, seed })
    const users = Array.from({ length: 1000 }, (_, t) => of(1).users(t))
    expect(Math.min(...users)).toBeGreaterThanOrEqual(10)
    expect(Math.max(...users)).toBeLessThanOrEqual(30)
    expect(new Set(users).size).toBeGreaterThan(900)
    expect(createPattern({ kind: 'jitter', pattern: flat, amount: 0.07 }).description).toMatch(/± 7 %$/)
    expect(of(2).users(3)).not.toBe(of(1).users(3))
  })

  it('reject what makes no sense, by name', () => {
    const bad = (spec: object) => () => createPattern(spec as PatternSpec)
    expect(bad({ kind: 'wave' })).toThrow(/kind: "wave" is not allowed/)
    expect(bad({ kind: 'ramp', from: -1, to: 1, duration: 1 })).toThrow(/from: -1/)
    expect(bad({ kind: 'repeat', pattern: { kind: 'constant', users: 1 }, times: 2 })).toThrow(/no end/)
    expect(bad({ kind: 'sequence', patterns: [{ kind: 'constant', users: 1 }, flat] })).toThrow(/no end/)
    expect(bad(undefined as never)).toThrow(/the options: is missing/)
    expect(bad({ kind: 'scale', factor: 1 })).toThrow(/pattern: is missing/)
    expect(bad({ kind: 'sequence' })).toThrow(/patterns: is missing/)
    expect(bad({ kind: 'steps', duration: 9 })).toThrow(/steps: is missing/)
    expect(bad({ kind: 'steps', steps: [null], duration: 9 })).toThrow(/steps\[0\]: null is not allowed/)
    expect(bad({ kind: 'trace' })).toThrow(/file: is missing/)
    expect(() => custom(() => -1, { duration: 1 }).users(0)).toThrow(/loadPattern\(0\): gave -1/)
    expect(custom((progress) => progress * 10, { duration: 20 }).users(10)).toBe(5)
  })
})

describe('traces', () => {
  it.each([
    ['', /^t\.csv: it is empty$/],
    ['\uFEFF\n \n', /^t\.csv: it is empty$/],
    ['# users\n\n', /^t\.csv: it has no line but blank ones and comments$/],
    ['time,users\n', /t\.csv: it has no row/],
    ['t_seconds,value\n0,1\n', /t\.csv: it has one row/],
    ['t_seconds,value\n0,1\n1\n', /t\.csv:3: 1 columns/],
    ['t_seconds,value\n0,1\n1,-2\n', /t\.csv:3: value is "-2"/],
    ['t_seconds,value\n0,1\n1,0x10\n', /t\.csv:3: value is "0x10"/],
    ['t_seconds,value\n-1,1\n1,2\n', /t\.csv:2: t_seconds is "-1"/],
    ['t_seconds,value\n0,1\nx,2\n', /t\.csv:3: t_seconds is "x"/],
    ['t_seconds,value\n0,1\n5,1\n5,2\n', /t\.csv:4: time 5 is there twice, with different values/],
    ['t_seconds,value\n0,1\n1,"2\n', /t\.csv.*: a quote is not closed/],
    ['time,a,b\n0,1,2\n1,2,3\n', /t\.csv: it has 2 series: a \| b/],
  ])('name the line of %o', (text, message) => {
    expect(() => parseTrace(text, 't.csv')).toThrow(message)
  })

  it('take a byte-order mark, Windows line ends and blank lines at the end', () => {
    const trace = parseTrace('\uFEFFt_seconds,value\r\n0,1\r\n4,5\r\n\r\n', 't.csv')
    expect(tracePattern(trace).users(2)).toBe(3)
    expect(() => readTrace(`${file}x`)).toThrow(/there is no such file/)
  })
})
