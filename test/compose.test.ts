import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { FleetSnapshot } from '../src/control/control-target.ts'
import { runCli, startCli } from './run-cli.ts'
import { startNameServer } from './support/dns.ts'
import { NATS_SERVER, requireNats } from './support/nats.ts'
import { freePort } from './support/ports.ts'
import { requireTool } from './support/tools.ts'

interface Service {
  image: string
  command?: string
  environment?: Record<string, string>
  volumes?: string[]
  ports?: string[]
  depends_on?: string[]
  deploy?: { replicas: number }
}

const text = readFileSync('compose.yaml', 'utf8').replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1')
const compose = parse(text, { merge: true }) as {
  services: Record<string, Service>
  volumes: Record<string, null>
}
const services = Object.entries(compose.services)

/** What the services have of the Compose specification. */
const KEYS = new Set([
  'cap_drop',
  'command',
  'depends_on',
  'deploy',
  'environment',
  'image',
  'ports',
  'read_only',
  'restart',
  'stop_grace_period',
  'volumes',
])

describe('compose.yaml', () => {
  it('refers only to what there is, and opens ports on loopback alone', () => {
    const published: string[] = []
    for (const [, service] of services) {
      expect([...KEYS]).toEqual(expect.arrayContaining(Object.keys(service)))
      for (const name of service.depends_on ?? []) expect(Object.keys(compose.services)).toContain(name)
      for (const volume of service.volumes ?? []) {
        const [from, to] = volume.split(':')
        if (from!.startsWith('.')) expect(existsSync(from!)).toBe(true)
        else expect(Object.keys(compose.volumes)).toContain(from)
        expect(to).toMatch(/^\//)
      }
      for (const port of service.ports ?? []) {
        expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/)
        published.push(port.split(':')[1]!)
      }
    }
    expect(new Set(published).size).toBe(published.length)
  })

  const found = requireTool(
    spawnSync('haproxy', ['-v']).status === 0,
    'the tests of compose.yaml need haproxy',
  )

  describe.skipIf(!found || !requireNats())('as processes of this machine', () => {
    const folder = mkdtempSync(join(tmpdir(), 'compose-'))
    const children: ChildProcess[] = []
    afterAll(() => {
      for (const child of children) child.kill('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    })

    // Each container has an address of its own; here of loopback.
    const hosts = services
      .flatMap(([name, service]) =>
        Array.from({ length: service.deploy?.replicas ?? 1 }, () => ({ name, service })),
      )
      .map((container, i) => ({ ...container, ip: `127.88.0.${i + 1}` }))
    const addressesOf = (name: string) => hosts.filter((host) => host.name === name).map(({ ip }) => ip)
    const names = new RegExp(`\\b(${services.map(([name]) => name).join('|')}):`, 'g')
    /** With this machine's addresses for names, and for "all addresses" that of the container. */
    const at = (ip: string, config: string) =>
      config.replaceAll(names, (_, name: string) => `${addressesOf(name)[0]}:`).replaceAll('0.0.0.0', ip)
    const file = (name: string, content: string) => {
      writeFileSync(join(folder, name), content)
      return join(folder, name)
    }

    it('is a cluster that chats through its load balancer', { timeout: 180_000 }, async () => {
      const dns = await startNameServer(addressesOf)
      const port = await freePort()
      const servers: ReturnType<typeof startCli>[] = []
      let ending = false
      /** As the engine does, starts a process again that failed: the broker may not be there yet. */
      const run = async (command: string[], { environment }: Service, name: string) => {
        for (let status: number | null = 1; status !== 0 && !ending; ) {
          const cli = startCli(command, environment)
          children.push(cli.child)
          if (name === 'server') servers.push(cli)
          status = (await cli.finished).status
        }
      }
      for (const { name, service, ip } of hosts) {
        const command = at(ip, service.command ?? '').split(/\s+/)
        if (service.image.startsWith('nats')) {
          const conf = at(ip, readFileSync('deploy/compose/nats.conf', 'utf8'))
          const own = file(`${name}.conf`, conf.replace('/data', join(folder, name)))
          const args = command.map((arg) => (arg === '/etc/nats.conf' ? own : arg))
          const env = { ...process.env, ...service.environment }
          children.push(spawn(NATS_SERVER, args, { stdio: 'ignore', env }))
        } else if (service.image.startsWith('haproxy')) {
          const config = readFileSync('deploy/compose/haproxy.cfg', 'utf8')
            .replace('bind :8080', `bind 127.0.0.1:${port}`)
            .replace('127.0.0.11:53', dns.address)
            .replace('maxconn 50000', 'maxconn 1000') // a container may open more files than a shell here
          children.push(spawn('haproxy', ['-db', '-f', file('haproxy.cfg', config)], { stdio: 'ignore' }))
        } else {
          void run(command, service, name)
        }
      }
      const token = compose.services.controller1!.environment!.CONCERTINA_CONTROL_TOKEN
      const states = async () => {
        const asked = [...addressesOf('controller1'), ...addressesOf('controller2')].map(async (ip) => {
          const init = { headers: { authorization: `Bearer ${token}` } }
          const response = await fetch(`http://${ip}:8081/api/state`, init).catch(() => undefined)
          return response?.status === 200 ? ((await response.json()) as FleetSnapshot) : undefined
        })
        return (await Promise.all(asked)).flatMap((state) => state?.ready ?? [])
      }
      await expect.poll(states, { timeout: 90_000, interval: 500 }).toEqual([2])
      const readyz = () => fetch(`http://127.0.0.1:${port}/readyz`).then(({ status }) => status, String)
      await expect.poll(readyz, { timeout: 30_000 }).toBe(200)
      const load = ['load', '--url', `ws://127.0.0.1:${port}/chat`, '--duration', '3', '--json']
      const { status, stdout, stderr } = await runCli(load)
      expect([status, stderr]).toEqual([0, expect.anything()])
      expect(JSON.parse(stdout)).toMatchObject({ failed: 0, checks: { lost: 0, doubled: 0, findings: [] } })
      expect((JSON.parse(stdout) as { acked: number }).acked).toBeGreaterThan(0)

      ending = true
      const [first, second] = servers.filter(({ child }) => child.exitCode === null)
      first!.child.kill('SIGTERM')
      expect((await first!.finished).status).toBe(0)
      expect(second!.child.exitCode).toBe(null)
      dns.close()
    })
  })
})
