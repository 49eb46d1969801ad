/** A stretch of text of one colour. */
export interface StyledSpan {
  readonly text: string
  readonly color?: Color
}

export type Color = keyof typeof SGR

const SGR = { green: 32, yellow: 33, blue: 34, magenta: 35, cyan: 36, gray: 90 } as const

/** What would move the cursor or change the terminal has no place in a line. */
const CONTROL = /\p{Cc}/gu
const ZERO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}]$/u
const WIDE =
  /^[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]$/u

/** Cells that a character takes on a terminal: 0, 1 or 2. */
function cells(character: string): number {
  if (ZERO_WIDTH.test(character)) return 0
  return WIDE.test(character) ? 2 : 1
}

/** Cells that `text` takes on a terminal. */
export function textWidth(text: string): number {
  let width = 0
  for (const character of text) width += cells(character)
  return width
}

/** Cuts after `width` cells, with `…` as the last one where something was cut. */
function clip(text: string, width: number): string {
  if (textWidth(text) <= width) return text
  let clipped = ''
  let left = width - 1
  for (const character of text) {
    left -= cells(character)
    if (left < 0) break
    clipped += character
  }
  return width > 0 ? `${clipped}…` : ''
}

/** Breaks between words into at most `most` lines of `width` cells; the last one is as long as what is left. */
export function wrap(text: string, width: number, most: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (line !== '' && lines.length < most - 1 && textWidth(longer) > width) {
      lines.push(line)
      line = word
    } else {
      line = longer
    }
  }
  return [...lines, line]
}

/** One line of spans, never wider than `width` cells. */
export function paint(spans: readonly StyledSpan[], width: number, color: boolean): string {
  let left = width
  let line = ''
  for (const { text, color: name } of spans) {
    const clean = clip(text.replace(CONTROL, ' '), left)
    left -= textWidth(clean)
    line += color && name && clean.trim() !== '' ? `\x1b[${SGR[name]}m${clean}\x1b[39m` : clean
  }
  return line
}
