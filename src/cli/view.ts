import type { WriteStream } from 'node:tty'
import { TerminalView } from '../report/terminal-view.ts'

/** Whether lines can be drawn again there: on a terminal, unless `TERM=dumb` says that it only takes lines. */
export function canRedraw(stream: WriteStream): boolean {
  return stream.isTTY && process.env.TERM !== 'dumb'
}

/** A view of a running fleet on the terminal, without colours where `NO_COLOR` is set; nothing where lines must do. */
export function openView(stream: WriteStream): TerminalView | undefined {
  return canRedraw(stream) ? new TerminalView(stream, !process.env.NO_COLOR) : undefined
}
