import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from './ports.ts'
import { requireTool } from './tools.ts'

/** The folder of what is shipped for Prometheus. */
export const SHIPPED = fileURLToPath(new URL('../../deploy/prometheus/', import.meta.url))

export function requirePrometheus(): boolean {
  const found = ['prometheus', 'promtool'].every((name) => spawnSync(name, ['--version']).status === 0)
  return requireTool(found, 'the Prometheus tests need prometheus and promtool: apt-get install prometheus')
}

/** What promtool says, and whether it is content. */
export function promtool(args: readonly string[], input = ''): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, { input, cwd: SHIPPED, encoding: 'utf8' })
  return { status, said: stdout + stderr }
}

interface Sample {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [time: number, value: string]
}

/** A real Prometheus. */
export class Prometheus {
  readonly process: ChildProcess
  /** Address without a path. */
  readonly url: string

  private constructor(child: ChildProcess, url: string) {
    this.process = child
    this.url = url
  }

  /**
   * With the configuration that is shipped; only in more of a hurry.
   * @param target port of the fleet's metrics
   */
  static start(folder: string, target: number, token: string): Promise<Prometheus> {
    const config = readFileSync(join(SHIPPED, 'prometheus.yml'), 'utf8')
      .replaceAll('15s', '1s')
      .replace('127.0.0.1:8081', `127.0.0.1:${target}`)
    writeFileSync(join(folder, 'alerts.yml'), readFileSync(join(SHIPPED, 'alerts.yml')))
    writeFileSync(join(folder, 'concertina-token'), token)
    return Prometheus.startWith(folder, config)
  }

  static async startWith(folder: string, config: string, flags: readonly string[] = []): Promise<Prometheus> {
    writeFileSync(join(folder, 'prometheus.yml'), config)
    const address = `127.0.0.1:${await freePort()}`
    const child = spawn(
      'prometheus',
      [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=${address}`,
        '--log.level=error',
        ...flags,
      ],
      { stdio: ['ignore', 'inherit', 'inherit'] },
    )
    return new Prometheus(child, `http://${address}`)
  }

  /** What its HTTP API answers; nothing while it is not up. */
  async ask<T>(path: string): Promise<T | undefined> {
    const response = await fetch(`${this.url}/api/v1/${path}`).catch(() => undefined)
    if (!response?.headers.get('content-type')?.includes('json')) return undefined
    const body = (await response.json()) as { status: string; data: T; error?: string }
    if (body.status !== 'success') throw new Error(`${path}: ${body.error}`)
    return body.data
  }

  /** The values that an expression has at this moment. */
  async query(expr: string): Promise<number[]> {
    const data = await this.ask<{ result: Sample[] }>(`query?query=${encodeURIComponent(expr)}`)
    return (data?.result ?? []).map(({ value }) => Number(value[1]))
  }

  async stop(): Promise<void> {
    const ended = once(this.process, 'exit')
    this.process.kill()
    await ended
  }
}
