import { execFileSync, spawn } from 'node:child_process'
import {
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
import { build } from 'vite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

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
}, 60_000)

afterAll(() => rmSync(project, { recursive: true, force: true }))

const node = (...args: string[]) =>
  execFileSync(process.execPath, args, { cwd: project, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

/** What the compiler prints of these files, which all hold `source`; empty when it finds nothing. */
function typeCheck(source: string, names: string[], ...flags: string[]): string {
  for (const name of names) writeFileSync(join(project, name), source)
  const strict = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--target', 'es2022']
  try {
    return node(TSC, ...strict, '--lib', 'es2023,dom', ...flags, ...names)
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
    120_000,
  )

  it('type-checks the client in a browser project, which has no types of Node', () => {
    const source =
      "import { ChatClient } from 'concertina/client'\nconst client = new ChatClient({ url: 'ws://host/chat', user: 'ada' })\nvoid client\n"
    expect(typeCheck(source, ['page.ts'], '--module', 'esnext', '--moduleResolution', 'bundler')).toBe('')
  }, 120_000)

  it('answers a path that is no text, as it is bundled', { timeout: 120_000 }, async () => {
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

  it('bundles the client for browsers, workers and React Native without anything of Node', async () => {
    const entry = join(project, 'entry.js')
    writeFileSync(entry, "export { ChatClient } from 'concertina/client'\n")
    for (const conditions of [['browser'], ['worker'], ['react-native'], ['edge-light'], []]) {
      const outDir = join(project, 'out')
      await build({
        root: project,
        configFile: false,
        logLevel: 'error',
        resolve: { conditions: [...conditions, 'import', 'default'] },
        build: { outDir, minify: false, lib: { entry, formats: ['es'], fileName: 'client' } },
      })
      const [bundle] = readdirSync(outDir)
      const code = readFileSync(join(outDir, bundle!), 'utf8')
      expect(code).toContain('ChatClient')
      expect(code).not.toMatch(/from ["'](node:|ws["'])/)
    }
  }, 60_000)
})
