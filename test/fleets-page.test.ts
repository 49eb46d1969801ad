import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { FleetControl } from '../src/control/fleet-control.ts'
import { Fleets } from '../src/control/fleets.ts'
import { startControlPlane } from '../src/live/control-plane.ts'
import { runSimulation } from '../src/simulation/run.ts'
import { constant } from '../src/traffic/patterns/constant.ts'
import { launchBrowser, openPage, requireBrowser, seriousFindings } from './support/browser.ts'

const here = requireBrowser()
const TOKEN = 'the control token of the fleet eu'
const WRONG = 'a token that no fleet knows at all'

let browser: Browser
beforeAll(async () => {
  if (here) browser = await launchBrowser()
})
afterAll(() => browser?.close())

const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

interface Wanted {
  readonly users: number
  readonly maxServers: number
  readonly pace?: number
  readonly token?: string
  readonly fleets?: Fleets
}

/** A simulated fleet with a dashboard. */
async function fleet({ users, maxServers, pace = 1, token, fleets }: Wanted) {
  const stop = new AbortController()
  let run: Promise<unknown> = Promise.resolve()
  const control = await new Promise<FleetControl>((resolve, reject) => {
    run = runSimulation({
      pattern: constant({ users, duration: 1e6 }),
      autoScaler: { minServers: 2, maxServers, interval: 1, scaleUpThreshold: 15, cooldown: 0 },
      pace,
      signal: stop.signal,
      onControl: resolve,
    }).catch(reject)
  })
  const plane = await startControlPlane(control, { port: 0, token, fleets })
  let ended = false
  const end = async () => {
    if (ended) return
    ended = true
    plane.close()
    stop.abort()
    await run
  }
  ends.push(end)
  return { url: plane.url, end }
}

const card = (page: Page, name: string) =>
  page.locator('.fleet', { has: page.getByRole('heading', { name, exact: true }) })

describe.runIf(here)('the page of several fleets', () => {
  it('shows each with figures, policy, alerts and whether it is reachable, and leads to its dashboard', {
    timeout: 180_000,
  }, async () => {
    const eu = await fleet({ users: 200, maxServers: 3, pace: 300, token: TOKEN })
    const gone = await fleet({ users: 5, maxServers: 2 })
    await gone.end()
    const own = await fleet({
      users: 20,
      maxServers: 5,
      fleets: new Fleets('home', [
        { name: 'eu', url: eu.url, token: TOKEN },
        { name: 'gone', url: gone.url },
        { name: 'locked', url: eu.url, token: WRONG },
      ]),
    })
    const page = await browser.newPage({ viewport: { width: 1280, height: 860 } })
    const answers: Promise<string>[] = []
    page.on('response', (response) => answers.push(response.text().catch(() => '')))

    await page.goto(own.url)
    await page.locator('#name', { hasText: 'home' }).waitFor()
    expect(await page.title()).toBe('home – Concertina')
    await page.getByRole('link', { name: 'Fleets' }).click()
    await expect.poll(() => page.locator('.fleet').count(), { timeout: 60_000 }).toBe(4)
    expect(await page.locator('.fleet h2').allTextContents()).toEqual(['home', 'eu', 'gone', 'locked'])

    await card(page, 'home').getByText('reachable', { exact: true }).waitFor()
    await card(page, 'home').getByText('of 30 that fit').waitFor()
    await card(page, 'home').getByText('2 desired, 2 to 5 allowed').waitFor()
    await card(page, 'eu').getByText('Policy: threshold (scale up threshold 15)').waitFor()
    await card(page, 'eu')
      .getByText(/^Last: up to 3 servers/)
      .waitFor()
    await card(page, 'eu').getByRole('meter', { name: 'Load of eu' }).waitFor()
    await card(page, 'eu')
      .getByRole('list', { name: 'Alerts of eu' })
      .getByText('The policy desires more servers than are allowed')
      .waitFor({ timeout: 60_000 })
    await card(page, 'gone').getByText('not reachable (ECONNREFUSED)').waitFor()
    expect(await card(page, 'gone').locator('dl').isVisible()).toBe(false)
    await card(page, 'locked').getByText('its token is rejected or cannot be read (HTTP 401)').waitFor()
    await page.getByText(/^4 fleets, 5 servers ready, \d+ users, 2 not known, 1 alert$/).waitFor()

    const checked = async () => {
      expect(await seriousFindings(page)).toEqual([])
      await page.emulateMedia({ colorScheme: 'dark' })
      expect(await seriousFindings(page)).toEqual([])
      await page.emulateMedia({ colorScheme: 'light' })
    }
    await checked()
    await page.setViewportSize({ width: 390, height: 800 })
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390)
    await checked()

    const bodies = await Promise.all(answers)
    expect(bodies.filter((body) => body.includes('"locked"')).length).toBeGreaterThan(0)
    expect(bodies.filter((body) => body.includes(TOKEN) || body.includes(WRONG))).toEqual([])

    // What was known of a fleet stays while it does not answer.
    await eu.end()
    await card(page, 'eu')
      .getByText(/^not reachable \(ECONNREFUSED\); figures of \d+:\d\d/)
      .waitFor({ timeout: 60_000 })
    await card(page, 'eu').getByText('Policy: threshold').waitFor()
    expect(await card(page, 'eu').getByRole('link').getAttribute('href')).toBe(eu.url)
    await card(page, 'home').getByRole('link', { name: 'home' }).click()
    await page.getByRole('heading', { name: 'Controls' }).waitFor()
    await page.close()
  })

  it('is in Chinese for who reads it, and says when there is no other fleet', {
    timeout: 60_000,
  }, async () => {
    const own = await fleet({ users: 20, maxServers: 5 })
    const { page, said } = await openPage(browser, `${own.url}fleets?lang=zh`)
    await card(page, '此集群').getByText('可达').waitFor()
    await page.getByText('1 个集群，').waitFor()
    await page.getByText('此集群不知道别的集群').waitFor()
    expect(await page.title()).toBe('Concertina：集群')
    await card(page, '此集群').getByRole('link').click()
    await page.getByRole('button', { name: '暂停' }).waitFor()
    expect(await page.getByRole('link', { name: '集群' }).isVisible()).toBe(false)
    expect(said).toEqual([])
    await page.close()
  })
})
