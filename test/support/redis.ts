import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { freePort } from './ports.ts'
import { requireTool } from './tools.ts'

export function requireRedis(): boolean {
  return requireTool(
    spawnSync('redis-server', ['--version']).status === 0,
    'the Redis tests need redis-server: apt-get install redis-server',
  )
}

export interface RedisServer {
  readonly url: string
  readonly port: number
  process: ChildProcess
  /** Ends it at once and starts it again on what it had written. */
  restart(): Promise<void>
  close(): Promise<void>
}

/** Starts a Redis server of its own, with an append-only file. */
export async function startRedis(...options: string[]): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'concertina-redis-'))
  const port = await freePort()
  const url = `redis://127.0.0.1:${port}`
  const start = () =>
    spawn(
      'redis-server',
      [
        '--port',
        `${port}`,
        '--bind',
        '127.0.0.1',
        '--dir',
        folder,
        '--save',
        '',
        '--appendonly',
        'yes',
        ...options,
      ],
      { stdio: 'ignore' },
    )
  const ready = async () => {
    for (const until = performance.now() + 20_000; ; await sleep(50)) {
      const redis = new Redis({ port, lazyConnect: true, retryStrategy: () => null })
      redis.on('error', () => {})
      try {
        await redis.connect()
        await redis.ping()
        return
      } catch (error) {
        if (performance.now() > until) throw error
      } finally {
        redis.disconnect()
      }
    }
  }
  const stop = async ({ process }: RedisServer) => {
    if (process.exitCode !== null || process.signalCode !== null) return
    const gone = new Promise((resolve) => process.once('exit', resolve))
    process.kill('SIGKILL')
    await gone
  }
  const server: RedisServer = {
    url,
    port,
    process: start(),
    async restart() {
      await stop(server)
      server.process = start()
      await ready()
    },
    async close() {
      await stop(server)
      rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
    },
  }
  try {
    await ready()
  } catch (error) {
    await server.close()
    throw error
  }
  return server
}
