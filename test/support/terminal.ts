import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { requireTool } from './tools.ts'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const TSX = import.meta.resolve('tsx')

export function requireTerminal(): boolean {
  const found = spawnSync('tmux', ['-V']).status === 0
  return requireTool(found, 'the terminal tests need tmux: apt-get install tmux')
}

/**
 * A real terminal, in which the command line runs from source; `status=N` is its last line. The shell reads `before` and `args`.
 */
export class Terminal {
  readonly #folder = mkdtempSync(join(tmpdir(), 'terminal-'))

  constructor(columns: number, rows: number, args: string, before = '') {
    const run = `${before} ${process.execPath} --import ${TSX} ${MAIN} ${args}`
    const command = `trap : INT; ${run}; echo status=$?; read -r _`
    this.#tmux('new-session', '-d', '-x', String(columns), '-y', String(rows), 'sh', '-c', command)
  }

  #tmux(...args: string[]): string {
    const socket = join(this.#folder, 'socket')
    return execFileSync('tmux', ['-u', '-S', socket, '-f', '/dev/null', ...args], { encoding: 'utf8' })
  }

  /** What is seen now, without blank lines at the end. */
  get screen(): string {
    return this.#tmux('capture-pane', '-p').trimEnd()
  }

  /** What is seen now with its colours. */
  get colored(): string {
    return this.#tmux('capture-pane', '-p', '-e')
  }

  /** Everything that was printed and not taken away; lines that the terminal wrapped are whole. */
  get scrollback(): string {
    return this.#tmux('capture-pane', '-p', '-J', '-S', '-')
  }

  get cursorIsShown(): boolean {
    return this.#tmux('display-message', '-p', '#{cursor_flag}').trim() === '1'
  }

  /** Process id of the shell in the terminal. */
  get pid(): number {
    return Number(this.#tmux('display-message', '-p', '#{pane_pid}'))
  }

  resize(columns: number, rows: number): void {
    this.#tmux('resize-window', '-x', String(columns), '-y', String(rows))
  }

  press(key: string): void {
    this.#tmux('send-keys', key)
  }

  close(): void {
    spawnSync('tmux', ['-S', join(this.#folder, 'socket'), 'kill-server'])
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
