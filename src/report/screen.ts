import { stripVTControlCharacters } from 'node:util'
import { textWidth } from './styled.ts'

/** The part of a terminal's stream that is needed. */
export interface Terminal {
  /** Absent or 0 where the terminal does not report it. */
  readonly columns?: number
  readonly rows?: number
  write(text: string): unknown
}

const up = (lines: number) => (lines > 0 ? `\x1b[${lines}A` : '')
const down = (lines: number) => (lines > 0 ? `\x1b[${lines}B` : '')
const ERASE_BELOW = '\x1b[J'
const ERASE_REST = '\x1b[K'
/** Hidden only while something is written: the cursor never dances, and is there whatever ends the process. */
const HIDE = '\x1b[?25l'
const SHOW = '\x1b[?25h'
/** No line is wrapped, should a character be wider than thought. */
const NO_WRAP = '\x1b[?7l'
const WRAP = '\x1b[?7h'

const widthOf = (line: string) => textWidth(stripVTControlCharacters(line))

/**
 * Keeps some lines at the end of a terminal up to date, below everything that was printed. The cursor is below them at the
 * beginning of a line. What did not change is not written again.
 */
export class Screen {
  readonly #terminal: Terminal
  #lines: readonly string[] = []
  #width = 0

  constructor(terminal: Terminal) {
    this.#terminal = terminal
  }

  /** 80 where the terminal does not report it. */
  get width(): number {
    return this.#terminal.columns || 80
  }

  /** 24 where the terminal does not report it. */
  get height(): number {
    return this.#terminal.rows || 24
  }

  /**
   * Shows `lines` (each at most `width` cells) instead of those before.
   * @param above printed above them for good: it scrolls away like any output
   * @param whole writes all lines, to repair what another process wrote between them
   */
  draw(lines: readonly string[], above: readonly string[] = [], whole = false): void {
    const fresh = above.length > 0 || this.width !== this.#width || lines.length !== this.#lines.length
    if (fresh) this.#replace(lines, above)
    else if (whole) this.#write(`${up(lines.length)}\r${this.#all(lines)}`)
    else this.#update(lines)
    this.#lines = lines
    this.#width = this.width
  }

  /** Removes the lines; what was printed remains. */
  clear(): void {
    if (this.#lines.length > 0) this.#write(this.#top() + ERASE_BELOW)
    this.#lines = []
  }

  /** What is printed above may be wrapped by the terminal, the lines may not. */
  #replace(lines: readonly string[], above: readonly string[]): void {
    const printed = above.map((text) => `${text}\n`).join('')
    const before = `${HIDE}${this.#top()}${ERASE_BELOW}${printed}`
    this.#terminal.write(`${before}${NO_WRAP}${this.#all(lines)}${WRAP}${SHOW}`)
  }

  /** Erased to its end only where it has one: at the last cell the cursor is on it. */
  #row(line: string): string {
    return widthOf(line) < this.width ? line + ERASE_REST : line
  }

  #all(lines: readonly string[]): string {
    return lines.map((line) => `${this.#row(line)}\n`).join('')
  }

  #update(lines: readonly string[]): void {
    let text = ''
    let at = lines.length
    for (const [i, line] of lines.entries()) {
      if (line === this.#lines[i]) continue
      text += `${i < at ? up(at - i) : down(i - at)}\r${this.#row(line)}`
      at = i
    }
    if (text !== '') this.#write(`${text}${down(lines.length - at)}\r`)
  }

  /** To the first line. A terminal that became narrower has wrapped the lines that were longer. */
  #top(): string {
    const { width } = this
    const rows = this.#lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / width)), 0)
    return `${up(rows)}\r`
  }

  #write(text: string): void {
    this.#terminal.write(HIDE + NO_WRAP + text + WRAP + SHOW)
  }
}
