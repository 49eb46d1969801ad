import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { requireTool } from '../tools.ts'
import { makeBase } from './base.ts'

const SOURCE = fileURLToPath(new URL('../../..', import.meta.url))
const TAG = 'localhost/concertina-under-test'

/** Whether images can be built and run here; in CI they must. */
export function requireImageTools(): boolean {
  const tools = ['buildah', 'runc', 'tini-static']
  const found = tools.every((tool) => spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0)
  return requireTool(
    found && process.getuid?.() === 0,
    'the tests of the image need root, and Debian’s packages buildah, runc and tini',
  )
}

/** What the image says about how it is run. */
interface ImageConfig {
  readonly User: string
  readonly Env: string[]
  readonly Entrypoint: string[]
  readonly Cmd: string[]
  readonly WorkingDir: string
  readonly Healthcheck: { readonly Test: string[] }
}

export interface BuiltImage {
  readonly config: ImageConfig
  /** Bytes of all its layers, not compressed. */
  readonly size: number
  /** Its root file system, mounted. */
  readonly root: string
  close(): void
}

/**
 * Builds the image by the Dockerfile, with two of its stages replaced by what can be had without a registry of images: `base` by
 * programs of this machine, `package` by the package as it is packed and installed here. Needs `dist`.
 */
export function buildImage(folder: string): BuiltImage {
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder]
  const packed = execFileSync('npm', pack, {
    cwd: SOURCE,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [{ filename }] = Object.values(JSON.parse(packed)) as [{ filename: string }]
  const install = [
    join(SOURCE, 'deploy/image/install.sh'),
    join(folder, filename),
    join(folder, 'package/app'),
  ]
  execFileSync('sh', install, { cwd: SOURCE, stdio: 'pipe' })
  makeBase(join(folder, 'base'))

  const storage = ['--root', join(folder, 'store'), '--runroot', join(folder, 'run')]
  const overlay = spawnSync('buildah', [...storage, '--storage-driver', 'overlay', 'info']).status === 0
  const buildah = (...args: string[]) =>
    execFileSync('buildah', [...storage, '--storage-driver', overlay ? 'overlay' : 'vfs', ...args], {
      cwd: SOURCE,
      encoding: 'utf8',
      stdio: 'pipe',
      env: { ...process.env, BUILDAH_ISOLATION: 'chroot' },
    }).trim()
  const base = buildah('from', 'scratch')
  buildah('copy', '-q', base, join(folder, 'base'), '/')
  buildah('commit', '-q', '--rm', base, `${TAG}-base`)
  const stages = [`base=docker-image://${TAG}-base`, `package=${join(folder, 'package')}`]
  // Only this format has a health check.
  const as = ['--format', 'docker', '--tag', TAG]
  buildah('build', '-q', ...as, ...stages.flatMap((stage) => ['--build-context', stage]), '.')

  const described = JSON.parse(buildah('inspect', '--type', 'image', TAG)) as {
    Manifest: string
    Docker: { config: ImageConfig }
  }
  const { layers } = JSON.parse(described.Manifest) as { layers: { size: number }[] }
  const container = buildah('from', TAG)
  const root = buildah('mount', container)
  return {
    config: described.Docker.config,
    size: layers.reduce((sum, { size }) => sum + size, 0),
    root,
    close: () => {
      buildah('umount', container)
      buildah('rm', container)
      buildah('rmi', '--all')
    },
  }
}
