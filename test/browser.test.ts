import { createServer } from 'node:http'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { steeredPattern } from '../src/control/fleet-control.ts'
import { startControlPlane } from '../src/live/control-plane.ts'
import { liveControl } from '../src/live/live-control.ts'
import { pages } from '../src/live/pages.ts'
import { Supervisor } from '../src/live/supervisor.ts'
import { VirtualUsers } from '../src/live/virtual-users.ts'
import { virtualClock } from '../src/pipeline/clock.ts'
import { LocalEnvironment } from '../src/pipeline/local-environment.ts'
import { AutoScaler } from '../src/scaling/auto-scaler.ts'
import { constant } from '../src/traffic/patterns/constant.ts'
import { UserTrafficSource } from '../src/traffic/user-traffic-source.ts'
import { launchBrowser, openPage, requireBrowser } from './support/browser.ts'

const here = requireBrowser()
let browser: Browser
beforeAll(async () => {
  if (here) browser = await launchBrowser()
})
afterAll(() => browser?.close())

/** A fleet with pages, and virtual users whose number can be steered. */
async function withFleet(
  use: (fleet: { supervisor: Supervisor; chat: string; dashboard: string }) => Promise<void>,
) {
  const autoScaler = new AutoScaler({
    scaleUpThreshold: 15,
    minServers: 2,
    maxServers: 5,
    cooldown: 0,
    interval: 0.25,
  })
  const pattern = steeredPattern(constant({ users: 6 }))
  const supervisor = new Supervisor({ gateway: { port: 0 }, autoScaler }, createServer(pages('chat.html')))
  const stop = new AbortController()
  let traffic: Promise<unknown> = Promise.resolve()
  let plane: Awaited<ReturnType<typeof startControlPlane>> | undefined
  try {
    const port = await supervisor.start()
    const control = liveControl(supervisor, autoScaler, pattern)
    plane = await startControlPlane(control, { port: 0 }, supervisor)
    supervisor.run()
    const users = new VirtualUsers({ url: `ws://127.0.0.1:${port}/chat`, name: 'user', onEvent: () => {} })
    traffic = new LocalEnvironment('users', { clock: virtualClock({ pace: 1 }) })
      .fromBatch(UserTrafficSource, { pattern, duration: 600, interval: 0.25 })
      .sink(users)
      .submit({ signal: stop.signal })
      .finally(() => users.end())
    await use({ supervisor, chat: `http://127.0.0.1:${port}/`, dashboard: plane.url })
  } finally {
    stop.abort()
    await traffic
    plane?.close()
    await supervisor.stop()
  }
}

describe.runIf(here)('the dashboard', () => {
  it('follows the fleet out and in, and every control does what it says', { timeout: 90_000 }, async () => {
    await withFleet(async ({ supervisor, dashboard }) => {
      const { page, said } = await openPage(browser, dashboard)
      const tiles = page.locator('.tile')
      const events = page.locator('#events')
      await tiles.nth(1).waitFor()
      await page.locator('#figures').getByText('users', { exact: true }).waitFor()

      await page.getByLabel('Users', { exact: true }).fill('60')
      await page.getByRole('button', { name: 'Set', exact: true }).click()
      await tiles.nth(3).waitFor()
      await events.getByText('the load is set to 60 users').waitFor()
      await events
        .getByText(/up to 4 servers: 60 users on 3 servers|up to 4 servers/)
        .first()
        .waitFor()
      await page.locator('#figures dd', { hasText: /^60$/ }).waitFor()

      await page.getByRole('button', { name: 'Pattern' }).click()
      await expect.poll(() => tiles.count(), { timeout: 20_000 }).toBe(2)
      await events.getByText(/down to 2 servers/).waitFor()

      await page.getByRole('button', { name: 'Pause' }).click()
      await page.getByRole('button', { name: 'Go on' }).waitFor()
      await page.getByRole('button', { name: 'Go on' }).click()
      await page.getByRole('button', { name: 'Pause' }).waitFor()

      await page.getByLabel('Servers', { exact: true }).fill('4')
      await page.getByRole('button', { name: 'Set by hand' }).click()
      await tiles.nth(3).waitFor()
      await page.getByRole('button', { name: 'Go on' }).waitFor()

      const drained = supervisor.fleet.ready.at(-1)!.id
      await page.getByRole('button', { name: `Drain server ${drained}` }).click()
      await events.getByText(`server ${drained} is drained by hand`).waitFor()
      await expect
        .poll(() => supervisor.fleet.servers.some(({ id }) => id === drained), { timeout: 15_000 })
        .toBe(false)

      const victim = supervisor.fleet.ready[0]!.id
      await page.getByRole('button', { name: `Kill server ${victim}` }).click()
      await events.getByText(`server ${victim} failed: killed by SIGKILL`).waitFor()

      await page.getByLabel('Balancing').selectOption('least-loaded')
      await expect.poll(() => supervisor.placement.strategy).toBe('least-loaded')

      await page.getByLabel('Policy', { exact: true }).selectOption('queueing')
      await page.getByRole('button', { name: 'Apply' }).click()
      await page
        .getByText(/^queueing/)
        .first()
        .waitFor()
      await page.getByLabel('Parameters').fill('{"kind": "queueing", "usersPerServer": -1}')
      await page.getByRole('button', { name: 'Apply' }).click()
      await page
        .getByRole('alert')
        .getByText(/usersPerServer/)
        .waitFor()
      expect(said.filter((line) => !line.includes('400 (Bad Request)'))).toEqual([])
      await page.close()
    })
  })
})

describe.runIf(here)('the chat page', () => {
  it('lets two people talk while the server under one is killed', { timeout: 90_000 }, async () => {
    await withFleet(async ({ supervisor, chat }) => {
      const enter = async (name: string) => {
        const opened = await openPage(browser, chat)
        await opened.page.getByLabel('Your name').fill(name)
        await opened.page.getByRole('button', { name: 'Enter' }).click()
        await opened.page.getByText(/^on server \d+$/).waitFor()
        return opened
      }
      const say = async ({ page }: Awaited<ReturnType<typeof enter>>, text: string) => {
        await page.getByLabel('Message', { exact: true }).fill(text)
        await page.keyboard.press('Enter')
      }
      const ann = await enter('ann')
      const bob = await enter('bob')
      await ann.page.getByText('Here: 2').waitFor()
      await say(ann, '<img src=x onerror=alert(1)> & <b>hi</b>')
      await bob.page.getByText('<img src=x onerror=alert(1)> & <b>hi</b>').waitFor()
      await ann.page.locator('.tick', { hasText: '✓✓' }).waitFor()
      expect(await bob.page.locator('#messages img, #messages b').count()).toBe(0)
      await bob.page.getByLabel('Message', { exact: true }).pressSequentially('hm')
      await ann.page.getByText('bob typing…').waitFor()

      const under = Number(await bob.page.locator('#status').getAttribute('data-server'))
      supervisor.servers.child(under)!.kill('SIGKILL')
      for (let i = 1; i <= 5; i++) await say(ann, `during ${i}`)
      await bob.page.getByText('during 5').waitFor()
      await bob.page.getByText(/^on server \d+$/).waitFor()
      expect(Number(await bob.page.locator('#status').getAttribute('data-server'))).not.toBe(under)
      await say(bob, 'still here')
      await ann.page.getByText('still here').waitFor()
      const texts = async ({ page }: typeof ann) =>
        (await page.locator('#messages li:not(.note)').allTextContents()).map((text) =>
          text.replace(/[✓…]+$/, ''),
        )
      expect(await texts(bob)).toEqual(await texts(ann))

      const now = Number(await ann.page.locator('#status').getAttribute('data-server'))
      expect(supervisor.fleet.drain(now)).toBe(true)
      await expect.poll(() => ann.page.locator('#status').getAttribute('data-server')).not.toBe(String(now))
      await say(ann, 'moved')
      await bob.page.getByText('moved', { exact: false }).last().waitFor()
      const late = await enter('late')
      await late.page.getByText('during 3').waitFor()
      expect([...ann.said, ...late.said]).toEqual([])
      expect(bob.said.every((line) => line.includes('WebSocket connection'))).toBe(true)
      for (const { page } of [ann, bob, late]) await page.close()
    })
  })
})
