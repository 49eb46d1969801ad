import type { ControlTarget, FleetEvent } from '../control/control-target.ts'
import { HISTORY_SECONDS, render, type ViewSample } from './live-view.ts'
import { Screen, type Terminal } from './screen.ts'

const FRAME_MS = 200
const FRAMES_A_SECOND = 1000 / FRAME_MS

/** A terminal that also reports changes of its size. */
export interface ResizingTerminal extends Terminal {
  on(event: 'resize', listener: () => void): unknown
  off(event: 'resize', listener: () => void): unknown
}

/** What is known of a run that is shown. */
export interface Shown {
  /** Seconds that it takes; absent when it runs until it is stopped. */
  readonly duration?: number
  /** Address of the dashboard. */
  readonly dashboard?: string
}

/** Shows a running fleet at the end of a terminal, five times a second, below the lines that are printed meanwhile. */
export class TerminalView {
  readonly #terminal: ResizingTerminal
  readonly #screen: Screen
  readonly #color: boolean
  readonly #history: ViewSample[] = []
  readonly #onResize = () => this.#draw(true)
  /** Other processes write there while it is stopped (Ctrl-Z). The signal is sent again for its default action. */
  readonly #onStop = () => {
    this.#screen.clear()
    process.off('SIGTSTP', this.#onStop)
    process.kill(process.pid, 'SIGTSTP')
    setImmediate(() => this.#timer && process.on('SIGTSTP', this.#onStop))
  }
  #above: string[] = []
  #target: ControlTarget | undefined
  #shown: Shown = {}
  #timer: NodeJS.Timeout | undefined
  #frames = 0
  #headline: string | undefined
  #event: FleetEvent | undefined

  constructor(terminal: ResizingTerminal, color: boolean) {
    this.#terminal = terminal
    this.#screen = new Screen(terminal)
    this.#color = color
  }

  /** Prints a line for good: at once, or above the view with its next frame. */
  readonly print = (line: string): void => {
    if (this.#timer) this.#above.push(line)
    else this.#terminal.write(`${line}\n`)
  }

  /** Takes the line of a control interval, which the view shows instead of its being printed. */
  readonly progress = (line: string): void => {
    this.#headline = line
  }

  /** Begins to show a fleet. */
  show(target: ControlTarget, shown: Shown): void {
    this.#target = target
    this.#shown = shown
    this.#timer = setInterval(() => this.#frame(), FRAME_MS)
    this.#timer.unref()
    this.#terminal.on('resize', this.#onResize)
    process.on('SIGTSTP', this.#onStop)
  }

  /** Removes the view; what was printed remains. */
  end(): void {
    if (!this.#timer) return
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#terminal.off('resize', this.#onResize)
    process.off('SIGTSTP', this.#onStop)
    this.#screen.clear()
    for (const line of this.#above.splice(0)) this.print(line)
  }

  #frame(): void {
    const second = this.#frames++ % FRAMES_A_SECOND === 0
    if (second) {
      const { load, size, servers } = this.#target!.snapshot()
      this.#history.push({ load, size, mostUsers: Math.max(0, ...servers.map(({ users }) => users)) })
      if (this.#history.length > HISTORY_SECONDS) this.#history.shift()
    }
    this.#draw(second)
  }

  #draw(whole: boolean): void {
    const target = this.#target!
    this.#event = target.events(this.#event?.number ?? 0).at(-1) ?? this.#event
    const state = {
      ...this.#shown,
      snapshot: target.snapshot(),
      history: this.#history,
      headline: this.#headline,
      event: this.#event,
    }
    const { width, height } = this.#screen
    const lines = render(state, { width, height, color: this.#color })
    this.#screen.draw(lines, this.#above.splice(0), whole)
  }
}
