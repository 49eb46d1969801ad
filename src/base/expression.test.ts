import { describe, expect, it } from 'vitest'
import { ConcertinaError } from './errors.ts'
import { compileExpression } from './expression.ts'

describe('an expression', () => {
  it.each([
    ['1 + 2 * 3', 7],
    ['(1 + 2) * 3', 9],
    ['2 ^ 3 ^ 2', 512],
    ['2 ** 3', 8],
    ['-2 ^ 2', -4],
    ['2 ^ -1', 0.5],
    ['10 - 4 - 3', 3],
    ['7 % 4', 3],
    ['1e3 + .5', 1000.5],
    ['progress < 0.5 ? 1 : progress < 0.9 ? 2 : 3', 1],
    ['progress >= 0.25 && progress <= 0.25', 1],
    ['5 + 45 * sin(pi * progress)', 5 + 45 * Math.sin(Math.PI / 4)],
    ['5 + 45 * Math.sin(Math.PI * progress)', 5 + 45 * Math.sin(Math.PI / 4)],
    ['lambda p: 5 + 45 * math.sin(p * math.pi)', 5 + 45 * Math.sin(Math.PI / 4)],
    ['progress => 40 * progress', 10],
    ['(p) => 40 * p', 10],
    ['max(1, min(3, 2), 0)', 2],
    ['  floor(2.7) + ceil(0.1) + round(0.6) + abs(-1)  ', 5],
  ])('computes %s', (text, value) => {
    expect(compileExpression(text, ['progress'])({ progress: 0.25 })).toBeCloseTo(value, 12)
  })

  it.each([
    ['', /character 1: something is missing at the end/],
    ['1 +', /character 4: something is missing at the end/],
    ['1 2', /character 3: "2" is not expected/],
    ['sin 1', /character 5: "1" instead of "\("/],
    ['sin(1, 2)', /character 1: sin has 2 arguments instead of 1/],
    ['(1', /character 3: the end instead of "\)"/],
    ['x', /character 1: there is no "x"/],
    ['constructor', /there is no "constructor"/],
    ['toString()', /there is no "toString"/],
    ['process.exit(1)', /character 8: "\." is not allowed/],
    ['progress = 1', /character 10: "=" is not allowed/],
    ['a["b"]', /character 2: "\[" is not allowed/],
    [`${'('.repeat(900)}1`, /more than 50 levels/],
    ['-'.repeat(900), /more than 50 levels/],
    ['1+'.repeat(600), /it has 1200 characters/],
  ])('rejects %s by the place', (text, message) => {
    expect(() => compileExpression(text, ['progress'])).toThrow(ConcertinaError)
    expect(() => compileExpression(text, ['progress'])).toThrow(message)
  })
})
