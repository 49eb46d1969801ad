import type { ServerSnapshot } from '../control/control-target.ts'
import { bar } from './blocks.ts'
import type { Color, StyledSpan } from './styled.ts'
import { milliseconds } from './terminal.ts'

const STATE_COLOR: Record<ServerSnapshot['state'], Color> = {
  starting: 'yellow',
  ready: 'green',
  draining: 'magenta',
  stopped: 'gray',
  failed: 'gray',
}

/** Details of a server are shown from this many cells on. */
const WIDE = 70

function row(server: ServerSnapshot, idWidth: number, mostUsers: number, width: number): StyledSpan[] {
  const { id, state, users, messagesPerSecond, latencyP99Ms } = server
  const name = `${String(id).padStart(idWidth)} ${state.padEnd(9)}`
  const count = String(users).padStart(String(mostUsers).length)
  const p99 = latencyP99Ms ? `  p99 ${milliseconds(latencyP99Ms)}` : ''
  const details = width < WIDE ? '' : `${messagesPerSecond.toFixed(1).padStart(7)} msg/s${p99.padEnd(16)}`
  const barWidth = Math.max(0, Math.min(50, width - name.length - count.length - details.length - 2))
  const color = STATE_COLOR[state]
  return [
    { text: `${name} `, color },
    { text: bar(users / mostUsers, barWidth), color },
    { text: ` ${count}` },
    { text: details, color: 'gray' },
  ]
}

/** As many servers a line as fit: number, first letter of the state, users. */
function grid(
  servers: readonly ServerSnapshot[],
  mostUsers: number,
  width: number,
  rows: number,
): StyledSpan[][] {
  const idWidth = Math.max(...servers.map(({ id }) => String(id).length))
  const usersWidth = String(mostUsers).length
  const cellWidth = idWidth + usersWidth + 4
  const columns = Math.max(1, Math.floor((width + 2) / cellWidth))
  const fit = servers.length <= columns * rows
  const shown = fit ? servers : servers.slice(0, columns * (rows - 1))
  const lines: StyledSpan[][] = []
  for (const [i, { id, state, users }] of shown.entries()) {
    if (i % columns === 0) lines.push([])
    lines
      .at(-1)!
      .push(
        { text: `${String(id).padStart(idWidth)}${state[0]}`, color: STATE_COLOR[state] },
        { text: ` ${String(users).padStart(usersWidth)}  ` },
      )
  }
  if (!fit) lines.push([{ text: `… and ${servers.length - shown.length} servers more`, color: 'gray' }])
  return lines
}

/**
 * The servers of a fleet on at most `rows` lines: a bar for each where they fit, else several a line.
 * @param mostUsers users of a server whose bar is full
 */
export function serverRows(
  servers: readonly ServerSnapshot[],
  mostUsers: number,
  width: number,
  rows: number,
): StyledSpan[][] {
  if (rows <= 0 || servers.length === 0) return []
  if (servers.length > rows) return grid(servers, mostUsers, width, rows)
  const idWidth = Math.max(3, ...servers.map(({ id }) => String(id).length))
  return servers.map((server) => row(server, idWidth, mostUsers, width))
}
