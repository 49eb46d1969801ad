import { stripVTControlCharacters } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FleetSnapshot, ServerSnapshot } from '../control/control-target.ts'
import { render, type ViewState } from './live-view.ts'
import { textWidth } from './styled.ts'

const server = (id: number, users: number, state: ServerSnapshot['state'] = 'ready'): ServerSnapshot => ({
  id,
  state,
  users,
  messagesPerSecond: 1.25,
})

function view(servers: readonly ServerSnapshot[], more: Partial<ViewState> = {}): ViewState {
  const load = servers.reduce((sum, { users }) => sum + users, 0)
  const snapshot: FleetSnapshot = {
    time: 65,
    load,
    requestedLoad: load,
    size: servers.length,
    ready: servers.length,
    servers,
    messagesPerSecond: 12,
    deliveriesPerSecond: 340,
    latency: { p50Ms: 1.5, p95Ms: 20, p99Ms: 45.6 },
    policy: 'threshold',
    paused: false,
    strategy: 'round-robin',
    limits: { minServers: 1, maxServers: 200 },
    interval: 1,
    alerts: [],
    loadCanBeSet: true,
  }
  return { snapshot, history: [{ load, size: servers.length, mostUsers: 1 }], ...more }
}

const plain = (state: ViewState, width: number, height: number) =>
  render(state, { width, height, color: false })

describe('the live view', () => {
  it('shows load, servers, latency, the last event with its reason, and how far the run is', () => {
    const text = 'up to 3 servers: 35 users on 2 servers are 17.5 a server'
    const event = { number: 4, time: 61, kind: 'scale', text } as const
    const state = view([server(1, 20), server(2, 10, 'draining')], {
      event,
      duration: 130,
      dashboard: 'http://127.0.0.1:8081/',
      headline: '📊 Load:  30 users',
    })
    const lines = plain(state, 100, 24)
    expect(lines[0]).toBe('📊 Load:  30 users')
    const line = (label: string) => lines.find((each) => each.trimStart().startsWith(label))
    expect(line('users')).toMatch(/█ +30, 15\.0 a server$/)
    expect(line('servers')).toMatch(/█ +2 of 1 to 200, 2 ready$/)
    expect(line('latency')).toBe(
      'latency  p50 1.50 ms, p95 20.0 ms, p99 45.6 ms; 12 messages/s, 340 deliveries/s',
    )
    expect(line('last')).toBe(`last     at 1 min 01 s: ${text}`)
    expect(line('time')).toBe(
      'time     ━━━━━━━━━━━━──────────── 1 min 05 s of 2 min 10 s  http://127.0.0.1:8081/',
    )
    const bar = (label: string) => line(label)!.match(/█/g)!.length
    expect(line('1 ready')).toMatch(/ 20 +1\.3 msg\/s/)
    expect(line('2 draining')).toMatch(/ 10 +1\.3 msg\/s/)
    expect(bar('1 ready')).toBe(2 * bar('2 draining'))
  })

  it('draws a curve of the last minute', () => {
    const history = [0, 1, 50, 100].map((load) => ({ load, size: 1, mostUsers: load }))
    const [users] = plain(view([server(1, 100)], { history }), 100, 24)
    expect(users).toMatch(/^users {4} ▁▄█ /)
  })

  it('puts many servers several a line, and says how many are left out', () => {
    const many = Array.from({ length: 100 }, (_, i) => server(i + 1, i, i < 2 ? 'starting' : 'ready'))
    const whole = plain(view(many), 100, 40)
    expect(whole.join('\n')).toMatch(/ {2}1s {2}0 {4}2s {2}1 {4}3r {2}2/)
    expect(whole.join('\n')).toMatch(/100r 99/)
    const part = plain(view(many), 40, 16).join('\n')
    const shown = part.match(/\d[sr] +\d/g)!.length
    expect(part).toContain(`… and ${100 - shown} servers more`)
  })

  it('shows colours only where they are wanted, and lets no control character through', () => {
    const event = { number: 1, time: 1, kind: 'failure', text: 'died of \x1b[2J\r\n\x9b31m' } as const
    const state = view([server(1, 2)], { event })
    expect(plain(state, 80, 24).join('')).not.toMatch(/\p{Cc}/u)
    const colored = render(state, { width: 80, height: 24, color: true }).join('')
    expect(colored).toContain('\x1b[32m')
    expect(stripVTControlCharacters(colored)).toBe(plain(state, 80, 24).join(''))
  })

  it('is never higher or wider than the terminal', async () => {
    const servers = fc
      .array(fc.tuple(fc.nat(5000), fc.constantFrom('starting', 'ready', 'draining' as const)), {
        maxLength: 300,
      })
      .map((all) => all.map(([users, state], i) => server(i + 1, users, state)))
    const text = fc.string({ unit: 'grapheme', maxLength: 200 })
    await fc.assert(
      fc.property(
        servers,
        text,
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 60 }),
        (all, said, width, height) => {
          const event = { number: 1, time: 1e5, kind: 'hand', text: said } as const
          const dashboard = 'http://127.0.0.1:8081/'
          const lines = plain(view(all, { event, headline: said, dashboard, duration: 9e9 }), width, height)
          expect(lines.length).toBeLessThanOrEqual(Math.max(1, height - 1))
          for (const line of lines) expect(textWidth(line)).toBeLessThanOrEqual(width)
        },
      ),
    )
  })
})
