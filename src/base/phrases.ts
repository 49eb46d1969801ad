import type { Language } from './language.ts'

type Word<T extends string> = T extends `${string}{${infer Name}}${infer Rest}` ? Name | Word<Rest> : never
type Words<T extends string> = T extends `${string}<${infer Name}>${infer Rest}` ? Name | Words<Rest> : never
/** The names of the gaps of a sentence. */
type Gaps<T extends string> = Word<T> | Words<T>

/** A sentence in English and in Chinese, with the same gaps: `{n}` takes a word or a number, `<what>` any words. */
type Phrase = readonly [en: string, zh: string]

/** Separates sentences. */
const SEPARATOR = { en: '; ', zh: '；' } as const
const MARKS = /\{(\w+)\}|<(\w+)>/g

const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')

/** What a sentence looks like, each gap a group of its name. */
function patternOf(sentence: string): RegExp {
  let source = ''
  let at = 0
  for (const { 0: mark, 1: word, 2: words, index } of sentence.matchAll(MARKS)) {
    source += escaped(sentence.slice(at, index))
    source += word === undefined ? `(?<${words}>.+)` : `(?<${word}>\\S+)`
    at = index + mark.length
  }
  return new RegExp(`^${source}${escaped(sentence.slice(at))}$`, 's')
}

/** A sentence as what is between its gaps, and their names: policies speak at every decision of a backtest. */
interface Template {
  readonly gaps: readonly string[]
  readonly between: readonly string[]
}

function templateOf(sentence: string): Template {
  const gaps = [...sentence.matchAll(MARKS)].map(([, word, words]) => (word ?? words)!)
  return { gaps, between: sentence.split(/\{\w+\}|<\w+>/) }
}

function fill({ gaps, between }: Template, values: Readonly<Record<string, string | number>>): string {
  let text = between[0]!
  for (let i = 0; i < gaps.length; i++) text += values[gaps[i]!]! + between[i + 1]!
  return text
}

let isRead = true

/** Does `work`, at once, while no phrase is read: each is empty, and costs next to nothing. */
export function unread<T>(work: () => T): T {
  const before = isRead
  isRead = false
  try {
    return work()
  } finally {
    isRead = before
  }
}

/** A phrase as it is recognized. */
interface Known {
  readonly pattern: RegExp
  readonly zh: Template
  /** Whether it is two sentences that belong together. */
  readonly divided: boolean
}

/** The sentences of a text: what is within brackets is not divided. */
function sentencesOf(text: string): string[] {
  const sentences: string[] = []
  let [depth, from] = [0, 0]
  for (let i = 0; i < text.length; i++) {
    const character = text[i]
    if (character === '(' || character === '[') depth++
    else if (character === ')' || character === ']') depth--
    else if (depth === 0 && text.startsWith(SEPARATOR.en, i)) {
      sentences.push(text.slice(from, i))
      from = i + SEPARATOR.en.length
    }
  }
  return [...sentences, text.slice(from)]
}

/**
 * Sentences in English, for logs, programs and decision logs, which are recognized and translated where people
 * read it: a text that is kept or sent is one string, and what somebody else wrote stays as it is.
 */
export class Phrases<T extends Readonly<Record<string, Phrase>>> {
  readonly #phrases: T
  readonly #others: { translate(text: string, language: Language): string } | undefined
  readonly #english: ReadonlyMap<keyof T, Template>
  #known: readonly Known[] | undefined

  /** @param others phrases that may be within these */
  constructor(phrases: T, others?: { translate(text: string, language: Language): string }) {
    this.#phrases = phrases
    this.#others = others
    this.#english = new Map(Object.entries(phrases).map(([name, [en]]) => [name, templateOf(en)]))
  }

  /** The phrase in English. */
  say<K extends keyof T>(
    name: K,
    ...[values]: [Gaps<T[K][0]>] extends [never]
      ? []
      : [values: Readonly<Record<Gaps<T[K][0]>, string | number>>]
  ): string {
    return isRead ? fill(this.#english.get(name)!, values ?? {}) : ''
  }

  /** What was said, in another language, gap by gap; as it is where it is none of these phrases. */
  translate(text: string, language: Language): string {
    if (language === 'en') return text
    this.#known ??= Object.values(this.#phrases).map(([en, zh]) => ({
      pattern: patternOf(en),
      divided: en.includes(SEPARATOR.en),
      zh: templateOf(zh),
    }))
    const sentences = sentencesOf(text)
    if (sentences.length > 1 && !this.#known.some(({ divided, pattern }) => divided && pattern.test(text)))
      return sentences.map((each) => this.translate(each, language)).join(SEPARATOR[language])
    for (const { pattern, zh } of this.#known) {
      const found = pattern.exec(text)
      if (!found) continue
      const parts = Object.entries(found.groups ?? {})
      return fill(zh, Object.fromEntries(parts.map(([gap, part]) => [gap, this.translate(part, language)])))
    }
    return this.#others?.translate(text, language) ?? text
  }
}
