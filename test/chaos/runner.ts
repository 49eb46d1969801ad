import { setTimeout as sleep } from 'node:timers/promises'
import { scanLog } from '../../src/chat/log/embedded/recovery.ts'
import type { LoggedMessage } from '../../src/verify/checker.ts'
import { Changers, type ChangesReport } from './changers.ts'
import { ChaosFleet } from './chaos-fleet.ts'
import { type Act, type ChaosOptions, type ChaosReport, ChaosRun, type Happened } from './chaos-run.ts'
import { CuttingProxy } from './cutting-proxy.ts'
import { SlowReaders } from './slow-reader.ts'
import { SmallDisk } from './small-disk.ts'

export const KINDS = [
  'kill-server',
  'stop-server',
  'scale-out',
  'scale-in',
  'slow-reader',
  'kill-supervisor',
  'pause-supervisor',
  'pause-all',
  'proxy-reset',
  'half-open',
  'disk-full',
] as const
type Kind = (typeof KINDS)[number]

/** What cut a connection at `from`: a kill just then, else a frozen server that was found out, else what was last. */
function causeOf(from: number, happened: readonly Happened<Kind>[]): Kind | undefined {
  const within = (ms: number, ...kinds: Kind[]) =>
    happened.findLast(({ kind, at }) => kinds.includes(kind) && at <= from && at > from - ms)?.kind
  return (
    within(300, 'kill-server', 'kill-supervisor', 'proxy-reset') ??
    within(5000, 'stop-server') ??
    within(10_000, 'pause-supervisor', 'pause-all') ??
    happened.findLast(({ at }) => at <= from)?.kind
  )
}

function* messagesOf(folder: string): Iterable<LoggedMessage> {
  for (const { messages } of scanLog(folder)) yield* messages
}

/**
 * Users talk through a proxy while everything is killed, paused, cut off or filled; returns what the users and the log say of it.
 */
export async function runChaos(
  options: ChaosOptions & { verbose?: boolean },
): Promise<ChaosReport<Kind> & { changes: ChangesReport }> {
  const { write = () => {}, verbose = false } = options
  const disk = new SmallDisk()
  if (!disk.canFill) write('no disk-full: this process may not mount a disk of its own')
  const fleet = new ChaosFleet(disk.folder, verbose)
  await fleet.start()
  const proxy = new CuttingProxy(() => fleet.port)
  const url = `ws://127.0.0.1:${await proxy.listen()}/chat`
  const run = new ChaosRun<Kind>(url, options, causeOf)
  const { rng } = run
  const slow = new SlowReaders(url, 'chaos', run.record)
  const api = { url: `http://127.0.0.1:${fleet.apiPort}`, key: fleet.apiKey }
  const changers = new Changers(url, api, 'chaos', run.record)
  let servers = 3
  let shouting: Promise<void> = Promise.resolve()
  const { 'disk-full': fillDisk, ...others }: Record<Kind, Act> = {
    'kill-server': () => fleet.send({ type: 'signal', signal: 'SIGKILL' }),
    'stop-server': () => fleet.send({ type: 'signal', signal: 'SIGSTOP' }),
    'scale-out': () => {
      servers = Math.min(6, servers + 1 + rng.below(3))
      fleet.send({ type: 'scale', servers })
    },
    'scale-in': () => {
      servers = Math.max(2, servers - 1 - rng.below(3))
      fleet.send({ type: 'scale', servers })
    },
    'slow-reader': async () => {
      await shouting
      shouting = slow.act()
    },
    'kill-supervisor': async () => {
      await fleet.killAndStart()
      servers = 3
    },
    'pause-supervisor': () => fleet.pause(500 + rng.below(3000), false),
    'pause-all': () => fleet.pause(500 + rng.below(6000), true),
    'proxy-reset': () => proxy.reset(),
    'half-open': () => proxy.freeze(0.25),
    'disk-full': async () => {
      disk.fill()
      await sleep(300 + rng.below(2000))
      disk.empty()
    },
  }
  try {
    await run.run(disk.canFill ? { ...others, 'disk-full': fillDisk } : others, async () => {
      await shouting
      proxy.thaw()
    })
    await slow.settle()
    const changes = await changers.report()
    run.end()
    slow.end()
    changers.end()
    const status = await fleet.stop()
    if (status !== 0) throw new Error(`the fleet ended with status ${status}`)
    return { ...run.check(messagesOf(disk.folder)), changes }
  } finally {
    run.end()
    slow.end()
    changers.end()
    proxy.close()
    disk.remove()
  }
}
