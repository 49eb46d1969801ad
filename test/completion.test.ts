import { spawnSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { EXAMPLES } from '../src/cli/examples.ts'
import { DEMO_SCALE_UP_THRESHOLD } from '../src/demo.ts'
import { runCli } from './run-cli.ts'

const script = join(mkdtempSync(join(tmpdir(), 'concertina-completion-')), 'concertina.bash')

beforeAll(async () => {
  const { status, stdout } = await runCli(['completion', 'bash'])
  expect(status).toBe(0)
  writeFileSync(script, stdout)
}, 60_000)

/** What bash offers after these words; the last is the one that is being typed. */
function offered(...words: string[]): string[] {
  const list = words.map((word) => `'${word}'`).join(' ')
  const line = `source ${script}; COMP_WORDS=(concertina ${list}); COMP_CWORD=${words.length}; _concertina 2>/dev/null; printf '%s\\n' "\${COMPREPLY[@]}"`
  return spawnSync('bash', ['-c', line], { encoding: 'utf8' }).stdout.split('\n').filter(Boolean)
}

it('completes commands, flags and values in bash', () => {
  expect(offered('comp')).toEqual(['compare', 'completion'])
  expect(offered('trace', '')).toEqual(['info'])
  expect(offered('trace', 'info', '--col')).toEqual(['--column'])
  expect(offered('demo', '--strategy', 'least')).toEqual(['least-loaded'])
  expect(offered('completion', 'z')).toEqual(['zsh'])
  expect(offered('simulate', '--trace', script.slice(0, -2))).toEqual([script])
})

it('has examples for every command, whose flags there are', () => {
  const commands = offered('').filter((name) => !name.startsWith('-') && name !== 'help')
  expect(Object.keys(EXAMPLES)).toEqual(expect.arrayContaining(commands))
  for (const [command, examples] of Object.entries(EXAMPLES)) {
    const flags = offered(...command.split(' '), '-')
    for (const [, line] of examples) {
      expect(line.startsWith(command)).toBe(true)
      expect(flags).toEqual(expect.arrayContaining(line.match(/(?<= )--[a-z-]+/g) ?? []))
    }
  }
})

it('writes what zsh and fish complete by', async () => {
  for (const shell of ['zsh', 'fish']) {
    const { status, stdout } = await runCli(['completion', shell])
    expect(status).toBe(0)
    for (const name of ['serve', 'advise', 'users-per-server', 'least-loaded']) expect(stdout).toContain(name)
  }
}, 60_000)

it('shows examples and true defaults in its help', async () => {
  const { stdout } = await runCli(['demo', '--help'])
  expect(stdout).toContain('Examples:')
  expect(stdout).toMatch(new RegExp(`server is added\\s+\\(${DEMO_SCALE_UP_THRESHOLD}\\)`))
}, 30_000)
