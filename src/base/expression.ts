import { invalidInput, shown } from './errors.ts'

/** What an expression is computed from: a value for each of its variables. */
type Variables = Readonly<Record<string, number>>
type Node = (variables: Variables) => number

const CONSTANTS: Readonly<Record<string, number>> = { pi: Math.PI, e: Math.E }

/** Functions by name: how many arguments at least and at most. */
const FUNCTIONS: Readonly<
  Record<string, readonly [least: number, most: number, (...args: number[]) => number]>
> = {
  sin: [1, 1, Math.sin],
  cos: [1, 1, Math.cos],
  tan: [1, 1, Math.tan],
  exp: [1, 1, Math.exp],
  log: [1, 1, Math.log],
  sqrt: [1, 1, Math.sqrt],
  abs: [1, 1, Math.abs],
  floor: [1, 1, Math.floor],
  ceil: [1, 1, Math.ceil],
  round: [1, 1, Math.round],
  pow: [2, 2, Math.pow],
  min: [1, 20, Math.min],
  max: [1, 20, Math.max],
}

/** Operators of two sides, the weakest first; those of one line bind equally. */
const BINARY: readonly Readonly<Record<string, (a: number, b: number) => number>>[] = [
  { '||': (a, b) => (a !== 0 || b !== 0 ? 1 : 0) },
  { '&&': (a, b) => (a !== 0 && b !== 0 ? 1 : 0) },
  {
    '<': (a, b) => Number(a < b),
    '<=': (a, b) => Number(a <= b),
    '>': (a, b) => Number(a > b),
    '>=': (a, b) => Number(a >= b),
    '==': (a, b) => Number(a === b),
    '!=': (a, b) => Number(a !== b),
  },
  { '+': (a, b) => a + b, '-': (a, b) => a - b },
  { '*': (a, b) => a * b, '/': (a, b) => a / b, '%': (a, b) => a % b },
]

const TOKEN =
  /\s*(?:(\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?)|([a-z_]\w*)|(\*\*|<=|>=|==|!=|&&|\|\||[-+*/%^()<>?:,]))/iy
const MOST_CHARACTERS = 1000
const MOST_DEPTH = 50

interface Token {
  readonly kind: 'number' | 'name' | 'sign' | 'end'
  readonly text: string
  /** The place in the text, from 1. */
  readonly at: number
}

/** What an expression may have, for messages and help. */
const EXPRESSION_HELP = `numbers, + - * / % ^, comparisons, condition ? a : b, ${Object.keys(CONSTANTS).join(', ')}, ${Object.keys(FUNCTIONS).join(', ')}`

function tokensOf(text: string, where: string): Token[] {
  const tokens: Token[] = []
  const length = text.trimEnd().length
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < length) {
    const start = TOKEN.lastIndex
    const found = TOKEN.exec(text)
    if (!found)
      throw wrongAt(
        where,
        start + text.slice(start).search(/\S/) + 1,
        `${shown(text.slice(start).trim()[0])} is not allowed`,
      )
    const [all, number, name, sign] = found
    const at = start + all.length - all.trimStart().length + 1
    const kind = number !== undefined ? 'number' : name !== undefined ? 'name' : 'sign'
    tokens.push({ kind, text: (number ?? name ?? sign)!, at })
  }
  return [...tokens, { kind: 'end', text: 'the end', at: length + 1 }]
}

function wrongAt(where: string, at: number, wrong: string) {
  return invalidInput(where, `character ${at}: ${wrong}`, EXPRESSION_HELP)
}

/** Recursive descent over the tokens; each method reads one rule of the grammar. */
class Parser {
  readonly #tokens: readonly Token[]
  readonly #variables: ReadonlySet<string>
  readonly #where: string
  #next = 0
  #depth = 0

  constructor(text: string, variables: readonly string[], where: string) {
    this.#where = where
    this.#tokens = tokensOf(text, where)
    this.#variables = new Set(variables)
  }

  whole(): Node {
    const node = this.#conditional()
    const { kind, text, at } = this.#peek()
    if (kind !== 'end') throw this.#wrongAt(at, `${shown(text)} is not expected`)
    return node
  }

  #wrongAt(at: number, wrong: string) {
    return wrongAt(this.#where, at, wrong)
  }

  #peek(): Token {
    return this.#tokens[this.#next]!
  }

  #accept(sign: string): boolean {
    const { kind, text } = this.#peek()
    if (kind !== 'sign' || text !== sign) return false
    this.#next++
    return true
  }

  #expect(sign: string): void {
    const { at, text, kind } = this.#peek()
    if (!this.#accept(sign))
      throw this.#wrongAt(at, `${kind === 'end' ? text : shown(text)} instead of "${sign}"`)
  }

  #conditional(): Node {
    if (++this.#depth > MOST_DEPTH) throw this.#wrongAt(this.#peek().at, `more than ${MOST_DEPTH} levels`)
    const condition = this.#binary(0)
    let node = condition
    if (this.#accept('?')) {
      const yes = this.#conditional()
      this.#expect(':')
      const no = this.#conditional()
      node = (variables) => (condition(variables) !== 0 ? yes(variables) : no(variables))
    }
    this.#depth--
    return node
  }

  #binary(level: number): Node {
    const operators = BINARY[level]
    if (!operators) return this.#unary()
    let left = this.#binary(level + 1)
    for (;;) {
      const { kind, text } = this.#peek()
      const operator = kind === 'sign' && Object.hasOwn(operators, text) ? operators[text]! : undefined
      if (!operator) return left
      this.#next++
      const [before, right] = [left, this.#binary(level + 1)]
      left = (variables) => operator(before(variables), right(variables))
    }
  }

  #unary(): Node {
    if (++this.#depth > MOST_DEPTH) throw this.#wrongAt(this.#peek().at, `more than ${MOST_DEPTH} levels`)
    let node: Node
    if (this.#accept('-')) {
      const inner = this.#unary()
      node = (variables) => -inner(variables)
    } else if (this.#accept('+')) node = this.#unary()
    else node = this.#power()
    this.#depth--
    return node
  }

  #power(): Node {
    const base = this.#operand()
    if (!this.#accept('^') && !this.#accept('**')) return base
    const exponent = this.#unary() // 2 ^ 3 ^ 2 is 2 ^ 9
    return (variables) => base(variables) ** exponent(variables)
  }

  #operand(): Node {
    const { kind, text, at } = this.#peek()
    this.#next++
    if (kind === 'number') {
      const value = Number(text)
      return () => value
    }
    if (kind === 'name') return this.#named(text, at)
    if (kind === 'sign' && text === '(') {
      const inner = this.#conditional()
      this.#expect(')')
      return inner
    }
    throw this.#wrongAt(
      at,
      kind === 'end' ? 'something is missing at the end' : `${shown(text)} is not expected`,
    )
  }

  #named(name: string, at: number): Node {
    const called = FUNCTIONS[name.toLowerCase()]
    if (called && Object.hasOwn(FUNCTIONS, name.toLowerCase())) return this.#call(name, called, at)
    if (this.#variables.has(name)) return (variables) => variables[name]!
    const constant = Object.hasOwn(CONSTANTS, name.toLowerCase()) ? CONSTANTS[name.toLowerCase()]! : undefined
    if (constant !== undefined) return () => constant
    const known = [...this.#variables, ...Object.keys(CONSTANTS), ...Object.keys(FUNCTIONS)].join(', ')
    throw invalidInput(this.#where, `character ${at}: there is no ${shown(name)}`, known)
  }

  #call(name: string, [least, most, apply]: (typeof FUNCTIONS)[string], at: number): Node {
    this.#expect('(')
    const args = [this.#conditional()]
    while (this.#accept(',')) args.push(this.#conditional())
    this.#expect(')')
    if (args.length < least || args.length > most)
      throw this.#wrongAt(
        at,
        `${name} has ${args.length} arguments instead of ${least === most ? least : `${least} to ${most}`}`,
      )
    return (variables) => apply(...args.map((each) => each(variables)))
  }
}

/**
 * Compiles an arithmetic expression such as `5 + 45 * sin(pi * progress)`. It can only compute: no property, no
 * assignment, no loop, so that it is safe from a config file. `Math.` and `math.` before a name are ignored, as is a
 * head such as `progress =>`, which then names the variable.
 * @param variables the names of its variables; a head names the first
 * @param where its name in errors
 * @throws {ConcertinaError} INVALID_INPUT, naming the character.
 */
export function compileExpression(
  text: string,
  variables: readonly string[],
  where = 'the expression',
): (values: Variables) => number {
  if (text.length > MOST_CHARACTERS)
    throw invalidInput(where, `it has ${text.length} characters`, `at most ${MOST_CHARACTERS}`)
  const head = /^\s*(?:\(?\s*([a-z_]\w*)\s*\)?\s*=>|lambda\s+([a-z_]\w*)\s*:)/i.exec(text)
  const parameter = head?.[1] ?? head?.[2]
  // Spaces keep the places of characters.
  const blank = (part: string) => ' '.repeat(part.length)
  const body = (head ? blank(head[0]) + text.slice(head[0].length) : text).replace(
    /\bmath\.(?=[a-z])/gi,
    blank,
  )
  const node = new Parser(
    body,
    parameter === undefined ? variables : [...variables, parameter],
    where,
  ).whole()
  if (parameter === undefined) return node
  return (values) => node({ ...values, [parameter]: values[variables[0]!]! })
}
