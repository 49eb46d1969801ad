import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../ports.ts'

const VERSION = '5.2.5'

/** The image that instances are launched from; with this list alone moto starts in a second. */
const IMAGE = {
  ami_id: 'ami-12c6146b',
  name: 'server',
  owner_id: '099720109477',
  public: true,
  virtualization_type: 'hvm',
  architecture: 'x86_64',
  state: 'available',
  platform: null,
  image_type: 'machine',
  hypervisor: 'xen',
  root_device_name: '/dev/sda1',
  root_device_type: 'ebs',
  sriov: 'simple',
  creation_date: '2020-01-01T00:00:00.000Z',
  description: 'server',
  image_location: 'server',
}

/** The folder of the moto package, outside the clone; installed there when `CI` is set, undefined when it is missing. */
export function motoFolder(): string | undefined {
  const cache = process.env.CONCERTINA_TEST_CACHE ?? join(homedir(), '.cache', 'concertina-test')
  const folder = join(cache, 'moto')
  const install = ['-m', 'pip', 'install', '--quiet', '--target', folder, `moto[server]==${VERSION}`]
  if (existsSync(join(folder, 'moto'))) return folder
  if (!process.env.CI) {
    console.log(`skipped: tests against a stand-in for AWS need moto: python3 ${install.join(' ')}`)
    return undefined
  }
  execFileSync('python3', install, { stdio: ['ignore', 'ignore', 'inherit'] })
  return folder
}

/** Starts moto on a free port. */
export async function startMoto(folder: string): Promise<{ port: number; close(): void }> {
  const port = await freePort()
  const images = mkdtempSync(join(tmpdir(), 'moto-'))
  writeFileSync(join(images, 'images.json'), JSON.stringify([IMAGE]))
  const program = 'from moto.server import main; main()'
  const child = spawn('python3', ['-c', program, '-H', '127.0.0.1', '-p', String(port)], {
    stdio: 'ignore',
    env: { ...process.env, PYTHONPATH: folder, MOTO_AMIS_PATH: join(images, 'images.json') },
  })
  const close = () => {
    child.kill('SIGKILL')
    rmSync(images, { recursive: true, force: true })
  }
  for (const end = Date.now() + 60_000; ; ) {
    const answer = await fetch(`http://127.0.0.1:${port}/moto-api/`).catch(() => undefined)
    if (answer) return { port, close }
    if (child.exitCode !== null || Date.now() > end) {
      close()
      throw new Error('moto did not start')
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
