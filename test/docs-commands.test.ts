import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Command, CommanderError } from 'commander'
import ts from 'typescript'
import { expect, it } from 'vitest'
import { program } from '../src/cli/program.ts'
import { runCli } from './run-cli.ts'
import { docsCommands } from './support/docs-commands.ts'
import { markdownFiles, readDoc } from './support/markdown.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

const described = ({ page, words }: { page: string; words: readonly string[] }) =>
  `${page}: ${words.join(' ')}`

/** What the command line says of these words without doing anything, or nothing where it accepts them. */
async function rejection(words: readonly string[], whole: boolean): Promise<string | undefined> {
  const main = program([])
  const commands: Command[] = [main]
  for (const command of commands) {
    commands.push(...command.commands)
    command.exitOverride().configureOutput({ writeOut: () => {}, writeErr: () => {} })
    // A group such as `trace` does nothing by itself.
    if (command.commands.length === 0) command.action(() => {})
  }
  try {
    await main.parseAsync([...words], { from: 'user' })
    return undefined
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    const parts = ['commander.missingArgument', 'commander.missingMandatoryOptionValue', 'commander.help']
    return error.exitCode === 0 || (!whole && parts.includes(error.code)) ? undefined : error.message
  }
}

it('every command of the docs is one, with flags and values that it accepts', async () => {
  const commands = docsCommands('concertina')
  expect(commands.filter(({ whole }) => whole).length).toBeGreaterThan(40)
  const rejected: string[] = []
  for (const command of commands) {
    const { words, whole } = command
    // A name in capitals, or dots behind a flag, stand for what one has.
    const given = words.flatMap((word, i) => {
      if (word === '…') return words[i - 1]?.startsWith('--') ? ['1'] : []
      return /^[A-Z]{4,}$/.test(word) ? ['1'] : [word]
    })
    const problem = await rejection(given, whole)
    if (problem) rejected.push(`${described(command)}: ${problem}`)
  }
  expect(rejected).toEqual([])
  expect(await rejection(['simulate', '--no-such-flag'], true)).toMatch(/unknown option/)
  expect(await rejection(['compare', '--restart', 'often', '--trace', 'x'], true)).toMatch(/Allowed choices/)
})

it('every script of the docs is one of package.json, and every file that a command names is there', () => {
  const { scripts } = JSON.parse(readDoc('package.json')) as { scripts: Record<string, string> }
  const runs = docsCommands('npm', 'run')
  expect(runs.length).toBeGreaterThan(15)
  expect(runs.filter(({ words }) => !(words[0]! in scripts)).map(described)).toEqual([])
  const files = [
    ...docsCommands('concertina'),
    ...docsCommands('npx', 'tsx'),
    ...docsCommands('npx', 'vitest'),
  ]
  const missing = files.flatMap((command) =>
    command.words
      .filter(
        (word) => /^(examples|deploy|src|test|bench)\/[\w./-]+$/.test(word) && !existsSync(join(ROOT, word)),
      )
      .map((word) => `${command.page}: ${word}`),
  )
  expect(missing).toEqual([])
})

/** The block of a page that begins with `start`. */
function block(page: string, start: string): string {
  const blocks = [...readDoc(page).matchAll(/^```\w*\n([\s\S]*?)^```$/gm)].map(([, text]) => text!)
  return blocks.find((text) => text.startsWith(start))!
}

it('docs/compare.md shows what its command prints', { timeout: 240_000 }, async () => {
  const command = docsCommands('concertina', 'compare').find(({ words }) => words.includes('--copies'))!
  const { stdout } = await runCli(['compare', ...command.words, '--lang', 'en'])
  expect(stdout.trim()).toBe(block('docs/compare.md', 'two-days.csv: the floor').trim())
})

it('README.md and docs/first-run.md say what the simulation of the demonstration says', {
  timeout: 120_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'docs-commands-'))
  try {
    const log = join(folder, 'decisions.jsonl')
    const forecast = docsCommands('concertina', 'simulate').find(({ page }) => page === 'docs/first-run.md')!
    const { stdout } = await runCli(['simulate', ...forecast.words, '--decisions', log, '--lang', 'en'])
    const lines = (text: string) =>
      text
        .split('\n')
        .filter((line) => /^ {3}(Total requests|Peak load|Peak servers|Scaling events):? /.test(line))
    for (const readme of ['README.md', 'README.zh-CN.md']) {
      const shown = lines(readDoc(readme))
      expect(shown.length).toBe(4)
      expect(lines(stdout)).toEqual(shown)
    }
    const explained = await runCli(['explain', log, '--changes'])
    for (const page of ['docs/first-run.md', 'docs/zh/first-run.md']) {
      const quoted = readDoc(page)
        .split('\n')
        .filter((line) => line.startsWith('> '))
        .map((line) => line.slice(2))
        .join(' ')
      expect(explained.stdout).toContain(quoted)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})

it('docs/errors.md shows an error as it is', { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'docs-commands-'))
  try {
    const config = join(folder, 'bad.yaml')
    writeFileSync(config, '# a typing error\nautoScaler:\n  minServer: 2\n')
    const { stderr, status } = await runCli(['simulate', '--config', config])
    expect(status).toBe(2)
    const [shown] = block('docs/errors.md', 'concertina: ').split('…')
    expect(stderr.replace(folder, '').replace('concertina: /', 'concertina: ')).toContain(shown!)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

/** Names that are not declared: of the app that the reader has. */
const OF_THE_READER: readonly number[] = [2304, 2552]

it('TypeScript that a page shows as a whole compiles', { timeout: 240_000 }, () => {
  const examples = markdownFiles().flatMap((page) =>
    [...readDoc(page).matchAll(/^```(tsx?)\n([\s\S]*?)^```$/gm)]
      .filter(([, , code]) => /from 'concertina/.test(code!))
      .map(([, kind, code], i) => ({ name: join(ROOT, `${page}.${i}.${kind}`), code: code! })),
  )
  expect(examples.length).toBeGreaterThan(5)
  const sources = new Map(examples.map(({ name, code }) => [name, `${code}\nexport {}\n`]))
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    jsx: ts.JsxEmit.ReactJSX,
    lib: ['lib.es2023.d.ts', 'lib.dom.d.ts'],
    types: ['node'],
    typeRoots: [join(ROOT, 'node_modules/@types')],
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    paths: {
      concertina: [join(ROOT, 'src/index.ts')],
      'concertina/client': [join(ROOT, 'src/client/node.ts')],
      'concertina/react': [join(ROOT, 'src/react/hooks.ts')],
      'concertina/server-api': [join(ROOT, 'src/server-api/client.ts')],
    },
  }
  const host = ts.createCompilerHost(options)
  const { fileExists, getSourceFile } = host
  host.fileExists = (file) => sources.has(file) || fileExists(file)
  host.getSourceFile = (file, version) => {
    const text = sources.get(file)
    return text === undefined ? getSourceFile(file, version) : ts.createSourceFile(file, text, version)
  }
  const compiled = ts.createProgram([...sources.keys()], options, host)
  const problems = [...sources.keys()].flatMap((name) => {
    const source = compiled.getSourceFile(name)!
    const found = [...compiled.getSyntacticDiagnostics(source), ...compiled.getSemanticDiagnostics(source)]
    return found.flatMap(({ code, messageText, start = 0 }) => {
      if (OF_THE_READER.includes(code)) return []
      const { line } = source.getLineAndCharacterOfPosition(start)
      return `${name}:${line + 1}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
    })
  })
  expect(problems).toEqual([])
})

it('docs/write-a-policy.md shows the figures of its example', { timeout: 120_000 }, async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--import',
    'tsx',
    'examples/own-policy.ts',
  ])
  expect(block('docs/write-a-policy.md', '$ npx tsx')).toBe(`$ npx tsx examples/own-policy.ts\n${stdout}`)
})
