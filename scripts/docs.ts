/**
 * Builds the guide as a static site with search and the API reference: `npm run docs`, then `npm run docs:serve`. It has dependencies
 * of its own (`docs/site/package.json`), which it installs, so that those who only use or change the product need not. A link that
 * leads nowhere fails the build. More arguments go to VitePress: `npm run docs -- --base /concertina/` for a site below a path.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writePages } from './docs-pages.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const SITE = join(ROOT, 'docs/site')
const run = (command: string, args: readonly string[], cwd = ROOT) =>
  execFileSync(command, args, { cwd, stdio: 'inherit' })

if (!existsSync(join(SITE, 'node_modules/vitepress')))
  run('npm', ['ci', '--ignore-scripts', '--no-fund', '--no-audit'], SITE)
const pages = join(SITE, 'pages')
rmSync(pages, { recursive: true, force: true })
writePages(ROOT, pages)
run('npm', ['run', '--silent', 'docs:api'])
run('npx', ['vitepress', 'build', ...process.argv.slice(2)], SITE)
console.log('the site is in docs/site/dist: npm run docs:serve shows it')
