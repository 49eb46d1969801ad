import { seededRng } from '../base/rng.ts'
import { LoadCurve } from './load-curve.ts'

/** A copy begins up to this share of the duration later; and that long before its end the trace ends. */
const SHIFT = 0.1
/** Standard deviation of the logarithm of the factor to the whole load, and of the factors to its points. */
const SCALE = 0.05
const NOISE = 0.03

/** The load as it might have been: begun at another time, a little larger or smaller, and with noise. The same for the same number. */
export function varied(curve: LoadCurve, copy: number): LoadCurve {
  const rng = seededRng(`copy ${copy}`)
  // Box and Muller, 1958.
  const normal = () => Math.sqrt(-2 * Math.log(rng.next())) * Math.cos(2 * Math.PI * rng.next())
  const from = SHIFT * rng.next()
  const factor = Math.exp(SCALE * normal())
  const { times, values, weekTime } = curve.part(from, from + 1 - SHIFT)
  const noisy = values.map((value) => value * Math.exp(NOISE * normal()))
  return new LoadCurve({ times, values: noisy }, factor, weekTime)
}
