import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { freePort } from './support/ports.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** The code blocks of a page, by their language. */
function blocks(page: string, language: string): string[] {
  const text = readFileSync(join(ROOT, 'docs', page), 'utf8')
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map(([, code]) => code!)
}

it('docs/add-chat.md does what it prints, from an empty folder', { timeout: 120_000 }, async () => {
  expect(existsSync(join(ROOT, 'dist/index.js')), 'npm run build comes first').toBe(true)
  const folder = mkdtempSync(join(tmpdir(), 'add-chat-'))
  try {
    mkdirSync(join(folder, 'node_modules'))
    symlinkSync(ROOT, join(folder, 'node_modules/concertina'))
    for (const code of blocks('add-chat.md', 'js')) {
      writeFileSync(join(folder, /^\/\/ (\S+)/.exec(code)![1]!), code)
    }
    const [script] = blocks('add-chat.md', 'bash')
    const port = await freePort()
    const started = script!.replace('sleep 2', `until curl -s http://127.0.0.1:${port}/; do sleep 0.1; done`)
    const output = execFileSync('bash', ['-euc', `${started}\nwait $server`], {
      cwd: folder,
      env: { ...process.env, PORT: String(port) },
      encoding: 'utf8',
    })
    // A sender may see its own message before or after it hears that it was kept.
    const lines = (text: string) => text.trim().split('\n').sort()
    expect(lines(output)).toEqual(lines(blocks('add-chat.md', 'text')[0]!))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
