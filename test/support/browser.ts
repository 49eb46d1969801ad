import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type Browser, chromium, type Page } from 'playwright-core'
import { requireTool } from './tools.ts'

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Where this machine's browser is; nothing when there is none. */
function browserPath(): string | undefined {
  return process.env.CHROMIUM ?? PLACES.find((place) => existsSync(place))
}

export function requireBrowser(): boolean {
  const how = 'the browser tests need chromium: apt-get install chromium, or CHROMIUM=/path/to/it'
  return requireTool(browserPath() !== undefined, how)
}

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: browserPath()!, args: ['--no-sandbox'] })
}

/** A page that keeps everything its console said. */
export async function openPage(browser: Browser, url: string, colorScheme: 'light' | 'dark' = 'light') {
  const page: Page = await browser.newPage({ colorScheme, viewport: { width: 1280, height: 860 } })
  const said: string[] = []
  page.on('console', (message) => said.push(message.text()))
  page.on('pageerror', (error) => said.push(String(error)))
  await page.goto(url)
  return { page, said }
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What axe finds on the page that is serious or worse, each with where. */
export async function seriousFindings(page: Page): Promise<string[]> {
  await page.evaluate(AXE)
  return page.evaluate(`axe.run().then(({ violations }) =>
    violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => id + ' at ' + target + ': ' + failureSummary)))`)
}
