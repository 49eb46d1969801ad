import { existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { createServer } from 'node:net'
import { availableParallelism } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { noSystemLock } from '../../chat/log/embedded/data-lock.ts'
import { EmbeddedRoomLog } from '../../chat/log/embedded/embedded.ts'
import { descriptorLimit } from '../../http/descriptors.ts'
import { listen } from '../../http/listen.ts'
import { liveOptions } from '../config/live-options.ts'

export interface DoctorFlags {
  host?: string
  port?: number
  controlPort?: number
  data?: string
}

interface Finding {
  readonly what: string
  /** `warn` limits what works, `fail` prevents it. */
  readonly state: 'ok' | 'warn' | 'fail'
  readonly text: string
}

const OPTIONAL = {
  '@nats-io/transport-node': '--broker nats://',
  ioredis: '--broker redis://',
  '@aws-sdk/client-auto-scaling': '--provider aws',
  '@grpc/grpc-js': 'concertina keda',
} as const

/** Descriptors below which a server holds fewer connections than its default limit. */
const DESCRIPTORS = 20_000
const FREE_BYTES = 1024 ** 3
/** Milliseconds above which a sync of the disk is felt as latency: every acknowledgement waits for one. */
const SLOW_SYNC_MS = 50

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const text = `${process.versions.node}, ${availableParallelism()} cores`
  return major > 20 || (major === 20 && minor >= 19)
    ? { what: 'Node.js', state: 'ok', text }
    : { what: 'Node.js', state: 'fail', text: `${text}; 20.19 or later is needed` }
}

function descriptors(): Finding {
  const limit = descriptorLimit()
  const text = `${limit} for each process`
  return limit >= DESCRIPTORS
    ? { what: 'descriptors', state: 'ok', text }
    : { what: 'descriptors', state: 'warn', text: `${text}: at most as many connections; see ulimit -n` }
}

async function port(what: string, host: string, number: number): Promise<Finding> {
  const server = createServer()
  try {
    const found = await listen(server, host, number)
    return { what, state: 'ok', text: `${found} is free` }
  } catch (error) {
    return { what, state: 'fail', text: (error as Error).message }
  } finally {
    server.close()
  }
}

/** Tries a room log beside the folder, on the same disk, and leaves nothing. */
async function data(folder: string): Promise<Finding[]> {
  let parent = resolve(folder)
  while (!existsSync(parent)) parent = dirname(parent)
  let trial: string | undefined
  try {
    trial = mkdtempSync(join(parent, '.concertina-doctor-'))
    const log = EmbeddedRoomLog.open(trial)
    await log.append({ room: 'r', user: 'u', id: '1', body: 'first' })
    const began = performance.now()
    await log.append({ room: 'r', user: 'u', id: '2', body: 'second' })
    const ms = performance.now() - began
    const locks = log.isSystemLock !== false
    await log.close()
    const { bavail, bsize } = statfsSync(parent)
    const gigabytes = `${((bavail * bsize) / 1024 ** 3).toFixed(1)} GiB free`
    return [
      {
        what: 'disk',
        state: ms > SLOW_SYNC_MS ? 'warn' : 'ok',
        text: `a message is on it in ${ms.toFixed(1)} ms`,
      },
      { what: 'disk space', state: bavail * bsize < FREE_BYTES ? 'warn' : 'ok', text: gigabytes },
      locks
        ? { what: 'folder lock', state: 'ok', text: 'held by the operating system' }
        : { what: 'folder lock', state: 'warn', text: noSystemLock(parent) },
    ]
  } catch (error) {
    return [{ what: 'data folder', state: 'fail', text: `${parent}: ${(error as Error).message}` }]
  } finally {
    if (trial !== undefined) rmSync(trial, { recursive: true, force: true })
  }
}

function optional(): Finding {
  const there: string[] = []
  const missing: string[] = []
  for (const [name, use] of Object.entries(OPTIONAL)) {
    try {
      import.meta.resolve(name)
      there.push(use)
    } catch {
      missing.push(`${use} needs npm install ${name}`)
    }
  }
  return { what: 'optional', state: 'ok', text: [...there, ...missing].join('; ') }
}

/** `concertina doctor`: whether this machine can run a fleet. Status 1 when something prevents it. */
export async function doctor(flags: DoctorFlags): Promise<void> {
  const { host = liveOptions.defaultOf('host'), data: folder = liveOptions.defaultOf('data') } = flags
  const findings = [
    node(),
    descriptors(),
    await port('chat port', host, flags.port ?? liveOptions.defaultOf('port')),
    await port('control port', host, flags.controlPort ?? liveOptions.defaultOf('controlPort')),
    ...(await data(folder)),
    optional(),
  ]
  for (const { what, state, text } of findings) console.log(`${state.padEnd(5)}${what.padEnd(14)}${text}`)
  if (findings.some(({ state }) => state === 'fail')) process.exitCode = 1
}
