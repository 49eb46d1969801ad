import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodeResolve } from '@rollup/plugin-node-resolve'
import { build as esbuild } from 'esbuild'
import { rollup } from 'rollup'
import { build as vite } from 'vite'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const TSC = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  version: string
  exports: Record<string, unknown>
  dependencies: Record<string, string>
  peerDependencies: Record<string, string>
}

/** Every module that the package offers, as its user writes it. */
const MODULES = Object.keys(manifest.exports)
  .filter((path) => path !== './package.json')
  .map((path) => `concertina${path.slice(1)}`)

let project: string
let files: string[]

/** The package as `npm pack` makes it, in an empty project, with its dependencies beside it. */
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'concertina-package-'))
  writeFileSync(join(project, 'package.json'), '{"name":"user","private":true}')
  const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', project], {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const pack = (Object.values(JSON.parse(packed)) as { filename: string; files: { path: string }[] }[])[0]!
  files = pack.files.map((file) => file.path)
  const modules = join(project, 'node_modules')
  mkdirSync(join(modules, 'concertina'), { recursive: true })
  execFileSync('tar', [
    'xzf',
    join(project, pack.filename),
    '-C',
    join(modules, 'concertina'),
    '--strip',
    '1',
  ])
  const beside = [
    ...Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }),
    '@types/node',
    '@types/react',
  ]
  for (const name of beside) {
    if (name.startsWith('@')) mkdirSync(join(modules, name.split('/')[0]!), { recursive: true })
    symlinkSync(join(ROOT, 'node_modules', name), join(modules, name))
  }
}, 300_000)

afterAll(() => rmSync(project, { recursive: true, force: true }))

const node = (...args: string[]) =>
  execFileSync(process.execPath, args, { cwd: project, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

/** What the compiler prints of these files, which all hold `source`; empty when it finds nothing. */
function typeCheck(source: string, names: string[], ...flags: string[]): string {
  for (const name of names) writeFileSync(join(project, name), source)
  const strict = ['--noEmit', '--strict', '--skipLibCheck', 'false', '--exactOptionalPropertyTypes']
  try {
    return node(TSC, ...strict, '--target', 'es2022', '--lib', 'es2023,dom', ...flags, ...names)
  } catch (error) {
    return (error as { stdout: string }).stdout
  }
}

describe('the package, installed in an empty project', () => {
  it('holds no source map, build record, test or test runner', () => {
    expect(files.filter((file) => /\.map$|tsbuildinfo|\.test\./.test(file))).toEqual([])
    const runners = files
      .filter((file) => file.endsWith('.js') && !file.startsWith('dist/web/'))
      .filter((file) => /from '(vitest|node:test)'/.test(readFileSync(join(ROOT, file), 'utf8')))
    expect(runners).toEqual([])
  })

  it('gives every module to ES modules and to CommonJS', () => {
    const listed = MODULES.map((name) => `import('${name}')`).join(', ')
    const code = `Promise.all([${listed}]).then((all) => console.log(all.map((m) => Object.keys(m).length > 0).join()))`
    const every = MODULES.map(() => 'true').join()
    expect(node('--input-type=module', '-e', code).trim()).toBe(every)
    const required = MODULES.map((name) => `Object.keys(require('${name}')).length > 0`).join(', ')
    expect(node('--input-type=commonjs', '-e', `console.log([${required}].join())`).trim()).toBe(every)
  })

  it('has the conformance suites, for room logs and providers of its user', () => {
    const code = `
      import { MemoryRoomLog, providerChecks, roomLogChecks, simulatedProvider, virtualClock } from 'concertina'
      class Forgetful extends MemoryRoomLog {
        read = async (...where) => ({ ...(await super.read(...where)), entries: [] })
      }
      const opened = (log) => async () => ({ log: new log(), close: async () => {} })
      const clock = virtualClock()
      const advance = () => clock.advanceTo(clock.now() + 0.5)
      const simulated = simulatedProvider(clock, { startupDelay: 1 })
      const idle = (hooks) => ({ ...simulated(hooks), launch() {}, drain() {}, kill() {}, cancel() {}, close: async () => {} })
      const failures = async (checks) => {
        const outcomes = await Promise.allSettled(checks.map(({ run }) => run()))
        return [outcomes.length, outcomes.filter(({ status }) => status === 'rejected').length]
      }
      const [logs, brokenLogs] = [await failures(roomLogChecks(opened(MemoryRoomLog))), await failures(roomLogChecks(opened(Forgetful)))]
      const providers = await failures(providerChecks({ provider: simulated, advance }))
      const brokenProviders = await failures(providerChecks({ provider: idle, timeoutMs: 100 }))
      console.log(JSON.stringify({ logs, brokenLogs, providers, brokenProviders }))`
    const { logs, brokenLogs, providers, brokenProviders } = JSON.parse(
      node('--input-type=module', '-e', code),
    )
    expect([logs[1], providers[1]]).toEqual([0, 0])
    expect(Math.min(logs[0], providers[0], brokenLogs[1], brokenProviders[1])).toBeGreaterThan(0)
  }, 300_000)

  describe('serve', () => {
    let copy: string
    let bundle: string

    beforeEach(() => {
      copy = join(project, 'node_modules', 'concertina-copy')
      bundle = join(copy, 'dist/cli/bundle')
      cpSync(join(project, 'node_modules', 'concertina'), copy, { recursive: true })
    })

    afterEach(() => rmSync(copy, { recursive: true }))

    /** What `serve` prints first. */
    async function printed(...flags: string[]): Promise<string> {
      const args = [join(copy, 'dist/cli/main.js'), 'serve', '--anonymous', ...flags]
      const serve = spawn(process.execPath, args, { cwd: project })
      try {
        const [text] = await once(serve.stdout, 'data', { signal: AbortSignal.timeout(30_000) })
        return `${text}`
      } finally {
        serve.kill('SIGKILL')
      }
    }

    it('starts a server process before it loads what only the fleet needs', async () => {
      writeFileSync(join(bundle, 'service.js'), 'await new Promise((resolve) => setTimeout(resolve, 60_000))')
      writeFileSync(join(copy, 'dist/live/server-process.bundle.js'), "console.log('a server process runs')")
      expect(await printed()).toBe('a server process runs\n')
    }, 60_000)

    it('starts from two files of the many', async () => {
      for (const name of readdirSync(bundle)) if (name !== 'service.js') rmSync(join(bundle, name))
      expect(await printed('--port', '0', '--control-port', '0')).toContain('Chat:')
    }, 60_000)
  })

  const everything = MODULES.map((name, i) => `import * as m${i} from '${name}'\nvoid m${i}\n`).join('')

  it.each([
    ['nodenext', 'nodenext', ['user.mts', 'user.cts']],
    ['node16', 'node16', ['user.mts']],
    ['esnext', 'bundler', ['user.ts']],
  ])(
    'type-checks under --module %s --moduleResolution %s (%s)',
    (module, moduleResolution, names) => {
      const flags = ['--module', module, '--moduleResolution', moduleResolution, '--types', 'node']
      expect(typeCheck(everything, names, ...flags)).toBe('')
    },
    600_000,
  )

  it('type-checks the client in a browser project, which has no types of Node', () => {
    const source =
      "import { ChatClient } from 'concertina/client'\nconst client = new ChatClient({ url: 'ws://host/chat', user: 'ada' })\nvoid client\n"
    expect(typeCheck(source, ['page.ts'], '--module', 'esnext', '--moduleResolution', 'bundler')).toBe('')
  }, 600_000)

  it('answers a path that is not text, as it is bundled', { timeout: 600_000 }, async () => {
    const key = 'a key of the server API of thirty-two characters'
    const ports = ['--port', '0', '--control-port', '0', '--max-servers', '1']
    const program = join(project, 'node_modules/concertina/dist/cli/main.js')
    const child = spawn(process.execPath, [program, 'serve', '--anonymous', ...ports], {
      cwd: project,
      env: { ...process.env, CONCERTINA_API_KEY: key },
    })
    try {
      let out = ''
      child.stdout.on('data', (chunk) => {
        out += chunk
      })
      child.stderr.resume()
      const address = /Dashboard: (http:[^ ]+\/)/
      await expect.poll(() => out, { timeout: 90_000 }).toMatch(address)
      const [, url] = address.exec(out)!
      const ask = (path: string) => fetch(`${url}v1/${path}`, { headers: { authorization: `Bearer ${key}` } })
      expect((await ask('rooms/%ff')).status).toBe(400)
      expect((await ask('rooms')).status).toBe(200)
    } finally {
      child.kill('SIGKILL')
    }
  })

  /** Where a page's code imports the client. */
  function clientEntry(): string {
    const entry = join(project, 'entry.js')
    writeFileSync(entry, "export { ChatClient } from 'concertina/client'\n")
    return entry
  }

  function expectNothingOfNode(code: string): void {
    expect(code).toContain('ChatClient')
    expect(code).not.toMatch(/(from|require\() ?["'](node:|ws["'])/)
  }

  it.each(['browser', 'worker', 'react-native', 'edge-light', 'default'])(
    'is bundled by Vite without anything of Node for the condition %s',
    async (condition) => {
      const outDir = join(project, 'out')
      await vite({
        root: project,
        configFile: false,
        logLevel: 'error',
        resolve: { conditions: [condition, 'import', 'default'] },
        build: { outDir, minify: false, lib: { entry: clientEntry(), formats: ['es'], fileName: 'client' } },
      })
      const [bundle] = readdirSync(outDir)
      expectNothingOfNode(readFileSync(join(outDir, bundle!), 'utf8'))
    },
    300_000,
  )

  it('is bundled by esbuild without anything of Node for browsers, and with ws for Node', async () => {
    const bundled = async (platform: 'browser' | 'node') => {
      const { outputFiles } = await esbuild({
        entryPoints: [clientEntry()],
        bundle: true,
        write: false,
        format: 'esm',
        platform,
        external: ['ws'],
      })
      return outputFiles[0]!.text
    }
    expectNothingOfNode(await bundled('browser'))
    expect(await bundled('node')).toMatch(/from ["']ws["']/)
  }, 300_000)

  it('is bundled by Rollup without anything of Node', async () => {
    const bundle = await rollup({ input: clientEntry(), plugins: [nodeResolve({ browser: true })] })
    const { output } = await bundle.generate({ format: 'es' })
    expectNothingOfNode(output[0].code)
  }, 300_000)
})
