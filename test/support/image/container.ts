import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { BuiltImage } from './build.ts'

/** What is used of the specification of a container. */
interface Spec {
  process: Record<string, unknown>
  root: { path: string; readonly: boolean }
  mounts: { destination: string; type?: string; source?: string; options?: string[] }[]
}

export interface Container {
  /** What it wrote so far, errors included. */
  output(): string
  /** Runs a command in it. */
  exec(command: readonly string[], env?: readonly string[]): { status: number | null; stdout: string }
  signal(name: NodeJS.Signals): void
  /** Its exit status, once it has ended. */
  readonly finished: Promise<number | null>
  /** Ends what is left of it. */
  remove(): void
}

/**
 * Runs an image as strictly as Kubernetes can: read-only root, no capability, no new privileges, no network but its own loopback;
 * only /data can be written.
 * @param folder for what the container needs; its name is the container's
 * @param args in place of those of the image
 */
export function startContainer(
  folder: string,
  { config, root }: BuiltImage,
  { args = config.Cmd, env = [] }: { args?: readonly string[]; env?: readonly string[] } = {},
): Container {
  mkdirSync(folder)
  const state = ['--root', join(folder, 'state')]
  execFileSync('runc', ['spec'], { cwd: folder })
  const file = join(folder, 'config.json')
  const spec = JSON.parse(readFileSync(file, 'utf8')) as Spec
  const [uid, gid] = config.User.split(':').map(Number)
  Object.assign(spec.process, {
    terminal: false,
    user: { uid, gid },
    args: [...config.Entrypoint, ...args],
    env: [...config.Env, ...env],
    cwd: config.WorkingDir,
    capabilities: {},
    rlimits: [],
    noNewPrivileges: true,
  })
  spec.root = { path: root, readonly: true }
  spec.mounts = spec.mounts.filter(({ type }) => type !== 'cgroup')
  const owner = [`uid=${uid}`, `gid=${gid}`, 'mode=0700']
  spec.mounts.push({ destination: '/data', type: 'tmpfs', source: 'tmpfs', options: owner })
  writeFileSync(file, JSON.stringify(spec))

  const name = basename(folder)
  const child = spawn('runc', [...state, 'run', '--bundle', folder, name], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk
    })
  }
  return {
    output: () => output,
    exec: (command, more = []) => {
      const variables = [...config.Env, ...more].flatMap((each) => ['--env', each])
      const user = ['--user', config.User, '--cwd', config.WorkingDir]
      return spawnSync('runc', [...state, 'exec', ...user, ...variables, name, ...command], {
        encoding: 'utf8',
      })
    },
    signal: (signal) => void execFileSync('runc', [...state, 'kill', name, signal]),
    finished: once(child, 'close').then(([status]) => status as number | null),
    remove: () => void spawnSync('runc', [...state, 'delete', '--force', name]),
  }
}
