import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { EmbeddedRoomLog } from '../src/chat/log/embedded/embedded.ts'
import { runCli } from './run-cli.ts'
import { requireTerminal, Terminal } from './support/terminal.ts'

const DEMO = 'demo --duration 8 --cooldown 0 --peak-rate 90'
const SLOW = { timeout: 20_000 }

let terminal: Terminal
afterEach(() => terminal.close())

/** The terminal as it is when `pattern` is on its screen. */
async function seen(pattern: RegExp): Promise<string> {
  await expect.poll(() => terminal.screen, SLOW).toMatch(pattern)
  return terminal.screen
}

const count = (text: string, pattern: RegExp) => text.match(new RegExp(pattern, 'gm'))?.length ?? 0

/** Processes that `pid` started, and those that they started. */
function descendants(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
  return children.filter(Boolean).flatMap((child) => [Number(child), ...descendants(Number(child))])
}

const runs = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe.skipIf(!requireTerminal())('on a terminal', { timeout: 60_000 }, () => {
  it('demo shows one view below the scaling lines, and leaves only what a pipe gets but the load', async () => {
    const piped = runCli(DEMO.split(' '))
    terminal = new Terminal(100, 30, DEMO, 'NO_COLOR=')
    const screen = await seen(/^ +4 ready/m)
    expect(screen).toMatch(
      /⚠️? Scaling Threshold Reached! Load: \d+, Scaling up to \d servers from \d: \d[^📊]*📊 Load: .*\nusers +[▁-█].*\nservers +[▁-█]/u,
    )
    expect(count(screen, /^📊 Load:/)).toBe(1)
    expect(screen).toMatch(/^last +at \d+ s: up to \d servers: \d+ users on \d servers are/m)
    expect(screen).toMatch(/^time +━.* of 8 s$/m)
    expect(terminal.colored).toContain('\x1b[32m')
    await seen(/status=0/)
    const { stdout } = await piped
    const lines = (text: string) =>
      text
        .replaceAll('\ufe0f', '')
        .split('\n')
        .map((line) => line.trimEnd())
        .filter((line) => line !== '' && !line.startsWith('📊 Load:'))
    expect(lines(terminal.scrollback)).toEqual([...lines(stdout), 'status=0'])
  })

  it('follows the size of the terminal, and ends on Ctrl-C with the summary', async () => {
    terminal = new Terminal(100, 30, 'demo --live --duration 300 --peak-rate 40 --max-servers 4')
    await seen(/^ {2}1 ready +█/m)
    terminal.resize(40, 14)
    const narrow = await seen(/^http:\/\/127\.0\.0\.1:\d+\/$/m)
    expect(count(narrow, /^users /)).toBe(1)
    expect(count(narrow, /^time .* of 5 min 00 s$/)).toBe(1)
    terminal.resize(120, 40)
    const wide = await seen(/^time +━.* of 5 min 00 s {2}http:.*$/m)
    expect(count(wide.slice(wide.lastIndexOf('📊 Load')), /^(users|servers|policy|last|time) /)).toBe(5)
    expect(terminal.cursorIsShown).toBe(true)
    terminal.press('C-c')
    const end = await seen(/status=130/)
    expect(end).toMatch(/Total duration: \d+\.\d\ds \(interrupted\)/)
    expect(end.slice(end.indexOf('Auto-Scaling System Metrics'))).not.toMatch(/^(users|time) /m)
    expect(terminal.cursorIsShown).toBe(true)
  })

  it('simulate --watch shows the view beside its result, in colours only where they are wanted', async () => {
    const args = 'simulate --watch --port 0 --pace 20 --duration 60 --peak-rate 200 --json'
    terminal = new Terminal(100, 30, args, 'NO_COLOR=1')
    await seen(/^time +━.* of 1 min 00 s {2}http:/m)
    expect(terminal.colored).not.toContain('\x1b[32m')
    await seen(/status=0/)
    expect(terminal.scrollback).toMatch(/^\{"duration":60,.*\}$/m)
    expect(terminal.scrollback).not.toMatch(/^time /m)
  })

  it('makes room for others while it is stopped', async () => {
    terminal = new Terminal(100, 30, 'demo --duration 300; echo others write; fg', 'set -m;')
    await seen(/^time +[━─]/m)
    terminal.press('C-z')
    await seen(/^others write\n(.*\n)+time +[━─]/m)
    expect(count(terminal.scrollback, /^(users|time) /)).toBe(2)
    terminal.press('C-c')
    await seen(/^status=130/m)
  })

  it('prints lines only where the terminal says that it is dumb', async () => {
    terminal = new Terminal(100, 50, 'demo --duration 3', 'TERM=dumb')
    const screen = await seen(/status=0/)
    expect(count(screen, /^📊 Load:/)).toBeGreaterThanOrEqual(3)
    expect(screen).not.toMatch(/^time /m)
  })

  it('serve ends in good order when its terminal is closed', async () => {
    const data = mkdtempSync(join(tmpdir(), 'serve-'))
    terminal = new Terminal(100, 30, `serve --anonymous --port 0 --control-port 0 --data ${data}`)
    await seen(/^ {2}2 ready/m)
    const processes = descendants(terminal.pid)
    expect(processes.length).toBeGreaterThanOrEqual(3)
    terminal.close()
    await expect.poll(() => processes.filter(runs), SLOW).toEqual([])
    await EmbeddedRoomLog.open(data).close() // its lock is free
  })
})
