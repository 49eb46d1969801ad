import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BuiltImage, buildImage, requireImageTools } from './support/image/build.ts'
import { type Container, startContainer } from './support/image/container.ts'

const MAIN = '/app/node_modules/concertina/dist/cli/main.js'

describe.skipIf(!requireImageTools())('the image', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'image-'))
  const containers: Container[] = []
  let image: BuiltImage

  beforeAll(() => {
    image = buildImage(folder)
  }, 300_000)
  afterAll(() => {
    for (const container of containers) container.remove()
    image?.close()
    rmSync(folder, { recursive: true, force: true })
  }, 60_000)

  function start(name: string, options?: Parameters<typeof startContainer>[2]): Container {
    const container = startContainer(join(folder, name), image, options)
    containers.push(container)
    return container
  }
  const healthCheck = () => image.config.Healthcheck.Test.slice(1)

  it('is small, and holds no shell, no package manager and no file that another user may change', () => {
    expect(image.size).toBeLessThan(200e6)
    for (const program of ['sh', 'bash', 'npm', 'apt-get']) {
      for (const path of ['bin', 'usr/bin', 'usr/local/bin'])
        expect(existsSync(join(image.root, path, program))).toBe(false)
    }
    const [uid] = image.config.User.split(':')
    expect(Number(uid)).toBeGreaterThan(0)
    const modules = readdirSync(join(image.root, 'app/node_modules'))
    expect(modules).toEqual(
      expect.arrayContaining(['concertina', 'ioredis', '@nats-io', '@aws-sdk', '@grpc']),
    )
    for (const left of ['react', 'typescript', 'vitest']) expect(modules).not.toContain(left)
  })

  it('serves by default with a read-only root, is healthy, chats, and ends with 0 on SIGTERM', async () => {
    const fleet = start('fleet', { args: [...image.config.Cmd, '--anonymous'] })
    const healthy = (...env: string[]) => fleet.exec(healthCheck(), env).status
    await expect.poll(() => healthy(), { timeout: 60_000, interval: 500 }).toBe(0)
    expect(healthy('HEALTH_URL=http://127.0.0.1:9/healthz')).toBe(1)
    const write =
      "try { fs.writeFileSync('/app/x', '') } catch (error) { console.log(process.getuid(), error.code) }"
    expect(fleet.exec(['node', '-e', write]).stdout).toBe('1000 EROFS\n')
    const load = ['load', '--url', 'ws://127.0.0.1:8080/chat', '--duration', '3', '--json']
    const { status, stdout } = fleet.exec(['node', MAIN, ...load])
    expect([status, stdout]).toEqual([0, expect.stringContaining('"acked"')])
    fleet.signal('SIGTERM')
    expect([await fleet.finished, fleet.output()]).toEqual([0, expect.stringContaining('Stopp')])
  })

  it('names the mistake of one who starts it without a way to authenticate', async () => {
    const fleet = start('mistaken')
    expect(await fleet.finished).toBe(2)
    expect(fleet.output()).toContain('CONCERTINA_SECRET')
  })
})
