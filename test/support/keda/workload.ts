import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { listen } from '../../../src/http/listen.ts'
import { startCli } from '../../run-cli.ts'
import { freePort } from '../ports.ts'
import { Prometheus } from '../prometheus.ts'

const AUTO_SCALER = { minServers: 1, maxServers: 30, policy: { kind: 'slo', usersPerServer: 10 } }

/** Users as a real Prometheus counts them, and `concertina keda`, which wants servers for them by the policy slo. */
export async function startKedaWorkload(initialUsers: number, flags: readonly string[] = []) {
  const folder = mkdtempSync(join(tmpdir(), 'keda-'))
  let users: number | undefined = initialUsers
  const app = createServer((_, response) => {
    response.end(users === undefined ? '' : `users_online ${users}\n`)
  })
  const targets = [`127.0.0.1:${await listen(app, '127.0.0.1', 0)}`]
  const scrape = [{ job_name: 'app', static_configs: [{ targets }] }]
  const prometheus = await Prometheus.startWith(
    folder,
    JSON.stringify({ global: { scrape_interval: '1s' }, scrape_configs: scrape }),
  )
  const config = join(folder, 'concertina.yaml')
  writeFileSync(config, JSON.stringify({ autoScaler: AUTO_SCALER }))
  const port = await freePort()
  const load = ['--prometheus', prometheus.url, '--load-query', 'users_online', '--control-port', '0']
  const startScaler = () =>
    startCli(['keda', '--port', String(port), '--config', config, ...load, ...flags]).child
  let scaler: ChildProcess = startScaler()
  const killScaler = async (signal: NodeJS.Signals) => {
    if (scaler.exitCode !== null || scaler.signalCode !== null) return
    const ended = once(scaler, 'exit')
    scaler.kill(signal)
    await ended
  }
  return {
    /** Where the scaler is served. */
    port,
    prometheus,
    /** undefined: nobody counts them. */
    setUsers(count: number | undefined) {
      users = count
    },
    killScaler: () => killScaler('SIGKILL'),
    restartScaler() {
      scaler = startScaler()
    },
    async close() {
      await killScaler('SIGTERM')
      prometheus.process.kill('SIGKILL')
      app.close()
      app.closeAllConnections()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
