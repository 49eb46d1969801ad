import { createInterface } from 'node:readline/promises'
import { invalidInput } from '../../base/errors.ts'
import type { AdviceTexts } from './texts.ts'

/** What only its owner knows of a service. */
export interface Facts {
  usersPerServer?: number
  provisioningDelay?: number
  overload?: number
}

interface Question {
  readonly key: keyof Facts
  readonly flag: string
  /** The number of an answer; `undefined` for what is none. */
  readonly read: (answer: string) => number | undefined
}

const above =
  (least: number, most = Number.POSITIVE_INFINITY) =>
  (answer: string) => {
    const number = answer.trim() === '' ? Number.NaN : Number(answer)
    return number >= least && number <= most && Number.isFinite(number) ? number : undefined
  }

/** A share as `0.001` or `0.1 %`. */
function share(answer: string): number | undefined {
  const percent = /^(.*\d)\s*%$/.exec(answer.trim())
  const number = above(0, percent ? 100 : 1)(percent?.[1] ?? answer)
  return number === undefined ? undefined : number / (percent ? 100 : 1)
}

const QUESTIONS: readonly Question[] = [
  {
    key: 'usersPerServer',
    flag: '--users-per-server',
    read: (answer) => above(Number.MIN_VALUE)(answer),
  },
  {
    key: 'provisioningDelay',
    flag: '--provisioning-delay',
    read: above(0),
  },
  {
    key: 'overload',
    flag: '--overload',
    read: share,
  },
]

/**
 * The facts that are given, and on a terminal those that are not, asked one by one.
 * @throws {ConcertinaError} INVALID_INPUT that names the flag, where there is no terminal to ask on.
 */
export async function factsOf(
  given: Facts,
  texts: AdviceTexts,
  signal: AbortSignal,
): Promise<Required<Facts>> {
  const missing = QUESTIONS.filter(({ key }) => given[key] === undefined)
  const { stdin, stderr } = process
  if (missing.length > 0 && !(stdin.isTTY && stderr.isTTY))
    throw invalidInput(
      missing[0]!.flag,
      'is missing, and there is no terminal to ask on',
      missing.map(({ flag, key }) => `${flag} (${texts.questions[key]})`).join(', '),
    )
  const facts: Facts = { ...given }
  const asked = missing.length > 0 ? createInterface({ input: stdin, output: stderr }) : undefined
  try {
    for (const { key, read } of missing) {
      while (facts[key] === undefined) {
        facts[key] = read(await asked!.question(`${texts.questions[key]} `, { signal }))
        if (facts[key] === undefined) stderr.write(`${texts.numberPlease}\n`)
      }
    }
  } finally {
    asked?.close()
  }
  return facts as Required<Facts>
}
