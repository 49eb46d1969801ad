import { describe, expect, it } from 'vitest'
import { paretoSvg } from './pareto.ts'

const PHONE = 390

/** The large dots: those of the policies. */
function dotsIn(svg: string): { x: number; y: number; radius: number }[] {
  return [...svg.matchAll(/<circle cx="(\S+)" cy="(\S+)" r="(\S+)"[^>]*><title>/g)].map(
    ([, x, y, radius]) => ({
      x: Number(x),
      y: Number(y),
      radius: Number(radius),
    }),
  )
}

describe('the picture of a comparison', () => {
  it.each([
    [0.0004, 1.2],
    [0, 1],
    [1, 50],
  ])('hides no policy under another, where twelve have the same figures: %f, %f ×', (overload, cost) => {
    const points = Array.from({ length: 12 }, (_, i) => ({ group: `p${i}`, label: 'waves', overload, cost }))
    const svg = paretoSvg(points, 0.001).text
    const dots = dotsIn(svg)
    expect(dots).toHaveLength(12)
    dots.forEach(({ x, y, radius }, i) => {
      for (const other of dots.slice(i + 1))
        expect(Math.hypot(other.x - x, other.y - y)).toBeGreaterThanOrEqual(2 * radius)
    })
    for (const { group } of points) expect(svg).toMatch(`>${group}</text>`)
  })

  it('is no wider than a phone can show in letters of 9 pixels, and has every figure within it', () => {
    const points = [
      { group: 'slo', label: 'waves', overload: 0.0004, cost: 1.2 },
      { group: 'a-policy-with-a-name-that-is-far-too-long', label: 'waves', overload: 0.9, cost: 1 },
    ]
    const svg = paretoSvg(points, 0.001).text
    const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg)!.map(Number)
    const smallest = Math.min(...[...svg.matchAll(/font(?:-size)?:(\d+)px/g)].map(([, size]) => Number(size)))
    expect((smallest * PHONE) / width!).toBeGreaterThanOrEqual(9)
    for (const [, x, y] of svg.matchAll(/<text x="(\S+)" y="(\S+)"/g)) {
      expect(Number(x)).toBeLessThanOrEqual(width!)
      expect(Number(y)).toBeLessThanOrEqual(height!)
    }
    expect(svg).toMatch('>0.040 %, 1.20 ×<')
  })
})
