import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { virtualClock } from '../src/base/clock.ts'
import { ChatClient } from '../src/client/node.ts'
import { type FleetControl, overridablePattern } from '../src/control/fleet-control.ts'
import { pages } from '../src/http/pages.ts'
import { startControlPlane } from '../src/live/control-plane.ts'
import { liveControl } from '../src/live/live-control.ts'
import { Supervisor } from '../src/live/supervisor.ts'
import { VirtualUsers } from '../src/load/virtual-users.ts'
import { LocalEnvironment } from '../src/pipeline/local-environment.ts'
import { htmlReport } from '../src/report/html.ts'
import { AutoScaler } from '../src/scaling/auto-scaler.ts'
import { POLICY_KINDS } from '../src/scaling/policies.ts'
import { runSimulation } from '../src/simulation/run.ts'
import { constant } from '../src/traffic/patterns/constant.ts'
import { threePhase } from '../src/traffic/patterns/three-phase.ts'
import { UserTrafficSource } from '../src/traffic/user-traffic-source.ts'
import { launchBrowser, openPage, requireBrowser, seriousFindings } from './support/browser.ts'
import { startHttpOnlyProxy } from './support/http-only-proxy.ts'

const here = requireBrowser()
let browser: Browser
beforeAll(async () => {
  if (here) browser = await launchBrowser()
})
afterAll(() => browser?.close())

/** A fleet with pages, and virtual users whose number can be set. */
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
  const pattern = overridablePattern(constant({ users: 6 }))
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

/** A simulated fleet, by default at the pace of real time, with a dashboard. */
async function fleetOf({
  port,
  token,
  servers = 2,
  pace = 1,
}: {
  port: number
  token?: string
  servers?: number
  pace?: number
}) {
  const stop = new AbortController()
  let run: Promise<unknown> = Promise.resolve()
  const control = await new Promise<FleetControl>((resolve, reject) => {
    run = runSimulation({
      pattern: constant({ users: 5, duration: 600 * pace }),
      autoScaler: { minServers: servers, maxServers: servers, interval: 0.5 },
      pace,
      signal: stop.signal,
      onControl: resolve,
    }).catch(reject)
  })
  const plane = await startControlPlane(control, { port, token })
  return {
    ...plane,
    stop: async () => {
      plane.close()
      stop.abort()
      await run
    },
  }
}

/** Pixels of the load chart in the colour of what is expected. */
function purple(page: Page): Promise<number> {
  return page.evaluate(`(() => {
    const canvas = document.querySelector('#load-chart canvas')
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
    let found = 0
    for (let i = 0; i < data.length; i += 4) if (data[i] > data[i + 1] + 40 && data[i + 2] > data[i] + 20) found++
    return found
  })()`)
}

describe.runIf(here)('the dashboard', () => {
  it('follows the fleet out and in, and every control does what it says', { timeout: 90_000 }, async () => {
    await withFleet(async ({ supervisor, dashboard }) => {
      const { page, said } = await openPage(browser, dashboard)
      const tiles = page.locator('.tile')
      const events = page.getByRole('log', { name: 'What happened' })
      const figure = (name: string) => page.locator(`#figures .${name} dd`).first()
      await tiles.nth(1).waitFor()
      await page.getByText('live', { exact: true }).waitFor()

      await page.getByLabel('Users', { exact: true }).fill('60')
      await page.getByRole('button', { name: 'Set load' }).click()
      await tiles.nth(3).waitFor()
      await events.getByText('the load is set to 60 users').waitFor()
      await events.getByText('up to 4 servers').first().waitFor()
      await expect.poll(() => figure('users').textContent()).toBe('60')
      const users = async () => 15 * Number(await figure('servers').textContent())
      await expect
        .poll(async () => (await figure('capacity').textContent()) === String(await users()))
        .toBe(true)
      await page
        .locator('#reason')
        .getByText(/60 users on \d servers are 1\d\.\d a server/)
        .waitFor()
      await page.locator('.key', { hasText: /load, users 60.*capacity, users (60|75)/ }).waitFor()

      await page.getByRole('button', { name: 'Pattern' }).click()
      await expect.poll(() => tiles.count(), { timeout: 60_000 }).toBe(2)
      await events.getByText(/down to 2 servers/).waitFor()

      await page.getByRole('button', { name: 'Pause' }).click()
      await page.getByRole('button', { name: 'Resume' }).click()
      await page.getByRole('button', { name: 'Pause' }).waitFor()
      await events.getByText('the autoscaler is resumed').waitFor()

      await page.getByRole('spinbutton', { name: 'Servers' }).fill('4')
      await page.getByRole('button', { name: 'Set size' }).click()
      await tiles.nth(3).waitFor()
      await page.getByRole('button', { name: 'Resume' }).waitFor()

      await expect.poll(() => supervisor.fleet.ready.length).toBe(4)
      const drained = supervisor.fleet.ready.at(-1)!.id
      await page.getByRole('button', { name: `Drain server ${drained}` }).click()
      await events.getByText(`server ${drained} is drained by hand`).waitFor()
      await expect
        .poll(() => supervisor.fleet.servers.some(({ id }) => id === drained), { timeout: 15_000 })
        .toBe(false)

      const [spared, victim] = supervisor.fleet.ready.map(({ id }) => id) as [number, number]
      await page.getByRole('button', { name: `Kill server ${spared}` }).click()
      await page.getByRole('button', { name: `Kill server ${victim}` }).focus()
      // Another one was asked about: nothing is killed, and the first question is forgotten.
      await page.getByRole('button', { name: `Kill server ${spared}` }).waitFor()
      await page.keyboard.press('Enter')
      await page.getByRole('button', { name: `Really kill server ${victim}?` }).waitFor()
      expect(supervisor.fleet.ready.map(({ id }) => id)).toContain(victim)
      await page.keyboard.press('Enter')
      await events.getByText(`server ${victim} is gone: killed by hand`).waitFor()
      expect(supervisor.failures).toBe(0)
      expect(supervisor.fleet.ready.map(({ id }) => id)).toContain(spared)

      await page.getByLabel('Balancing').selectOption('least-loaded')
      await page.getByRole('button', { name: 'Set strategy' }).click()
      await expect.poll(() => supervisor.placement.strategy).toBe('least-loaded')
      expect(said).toEqual([])
      await page.close()
    })
  })

  it('changes the policy by a form for each kind, and draws what it expects', {
    timeout: 60_000,
  }, async () => {
    await withFleet(async ({ dashboard }) => {
      const { page, said } = await openPage(browser, dashboard)
      const [kind, inForce] = [page.locator('#kind'), page.locator('#in-force')]
      const apply = page.getByRole('button', { name: 'Apply' })
      await inForce.getByText('threshold (scale up threshold 15)').waitFor()
      expect(await page.getByLabel('Scale up threshold').inputValue()).toBe('15')
      expect(await kind.locator('option').allTextContents()).toEqual(POLICY_KINDS)

      // Every kind can be applied with no more than what the form begins with.
      for (const each of POLICY_KINDS) {
        await kind.selectOption(each)
        await apply.click()
        await inForce.getByText(new RegExp(`^In force: ${each}`)).waitFor()
      }

      await kind.selectOption('target-tracking')
      await page.getByLabel('Metric').selectOption('eventLoopUtilization')
      await page.getByLabel('Target').fill('0.5')
      await page.getByLabel('Disable scale in').check()
      await apply.click()
      await inForce
        .getByText('target-tracking (metric eventLoopUtilization, target 0.5, disable scale in yes)')
        .waitFor()
      // It reckons in no users: then there is no capacity in users.
      await page.locator('#figures .capacity').getByText('this policy counts no users').waitFor()

      await kind.selectOption('schedule')
      const entry = (number: number) => page.getByRole('group', { name: `Entries ${number}`, exact: true })
      await entry(2).getByLabel('Cron').fill('61 * * * *')
      await apply.click()
      await page
        .getByRole('alert')
        .getByText(/Invalid value for minute: 61/)
        .waitFor()
      await page.getByRole('button', { name: 'Dismiss' }).click()
      await page.getByRole('button', { name: 'Remove Entries 2' }).click()
      expect(await page.getByRole('button', { name: 'Remove Entries 1' }).isDisabled()).toBe(true)
      await entry(1).getByLabel('Cron').fill('* * * * *')
      await entry(1).getByLabel('Servers').fill('3')
      await page.getByRole('button', { name: 'Add to Entries' }).click()
      await entry(2).getByLabel('Servers').fill('4')
      await apply.click()
      await inForce
        .getByText('schedule (entries (cron * * * * *, servers 3; cron 0 20 * * *, servers 4))')
        .waitFor()
      await page.locator('.tile').nth(2).waitFor()
      expect(said.filter((line) => !line.includes('400 (Bad Request)'))).toEqual([])

      await kind.selectOption('predictive')
      await page.getByLabel('Horizon').fill('2')
      await page.getByLabel('Users per server').fill('12')
      await apply.click()
      await page
        .locator('#figures .expected')
        .getByText(/^in \d s, \d+ to \d+$/)
        .waitFor()
      await page.locator('.key', { hasText: /expected for then \d+ \(\d+–\d+\)/ }).waitFor()
      expect(await purple(page)).toBeGreaterThan(100)
      expect(said.filter((line) => !line.includes('400 (Bad Request)'))).toEqual([])
      await page.close()
    })
  })

  it('has fields for policies within policies, parts that may be left out, and lists in any order', {
    timeout: 60_000,
  }, async () => {
    await withFleet(async ({ dashboard }) => {
      const { page, said } = await openPage(browser, dashboard)
      const [kind, inForce] = [page.locator('#kind'), page.locator('#in-force')]
      const apply = page.getByRole('button', { name: 'Apply' })
      const member = (number: number) => page.getByRole('group', { name: `Policies ${number}`, exact: true })
      await inForce.getByText('threshold (').waitFor()

      await kind.selectOption('chain')
      await member(1).getByLabel('Policy').selectOption('step')
      await member(1).getByRole('checkbox', { name: 'Scale out' }).check()
      await member(1).getByLabel('Threshold').fill('25')
      await member(1).getByRole('button', { name: 'Add to Adjustments' }).click()
      const first = member(1).getByRole('group', { name: 'Adjustments 1', exact: true })
      await first.getByLabel('Upper').fill('10')
      const second = member(1).getByRole('group', { name: 'Adjustments 2', exact: true })
      await second.getByLabel('Lower').fill('10')
      await second.getByLabel('Change').fill('3')
      await member(2).getByLabel('Scale up threshold').fill('12')
      await page.getByRole('button', { name: 'Move Policies 2 up' }).click()
      await member(1).getByLabel('Scale up threshold').waitFor()
      await page.getByRole('button', { name: 'Add to Policies' }).click()
      await member(3).getByLabel('Policy').selectOption('max')
      const inner = member(3).getByRole('group', { name: 'Policies 1', exact: true })
      await inner.getByLabel('Policy').selectOption('hpa')
      await inner.getByLabel('Target').fill('20')
      await member(3).getByRole('button', { name: 'Remove Policies 2' }).click()
      // The figures of the fleet, which arrive all the time, leave alone what is being edited.
      expect(await member(1).getByLabel('Scale up threshold').inputValue()).toBe('12')
      expect(await seriousFindings(page)).toEqual([])
      await page.setViewportSize({ width: 390, height: 800 })
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390)
      await apply.click()
      const words =
        'chain of [threshold (scale up threshold 12); step (scale out (threshold 25, ' +
        'adjustments (lower 0, upper 10, change 1; lower 10, change 3))); max of [hpa (target 20)]]'
      await inForce.getByText(words).waitFor()

      // Another page begins with what is in force.
      const other = await openPage(browser, dashboard)
      await other.page.getByRole('group', { name: 'Adjustments 2', exact: true }).waitFor()
      await other.page.getByRole('button', { name: 'Apply' }).click()
      await page.getByRole('checkbox', { name: 'Scale out' }).uncheck()
      await apply.click()
      await inForce.getByText('chain of [threshold (scale up threshold 12); step; max of [').waitFor()
      expect([...said, ...other.said]).toEqual([])
      await other.page.close()
      await page.close()
    })
  })

  it('shows the span that is chosen by keyboard, names everything, and fits a phone', {
    timeout: 60_000,
  }, async () => {
    await withFleet(async ({ dashboard }) => {
      const { page, said } = await openPage(browser, dashboard)
      const hour = page.getByRole('button', { name: '1 hour' })
      await page.getByRole('button', { name: '5 min', pressed: true }).focus()
      await page.keyboard.press('Tab')
      await page.keyboard.press('Space')
      await page.getByRole('button', { name: '1 hour', pressed: true }).waitFor()
      expect(await hour.and(page.locator(':focus')).count()).toBe(1)
      await page.reload()
      await page.getByRole('button', { name: '1 hour', pressed: true }).waitFor()
      // A reload shows what was before.
      await page.locator('.tile').nth(1).waitFor()
      await page
        .getByRole('img', { name: /^Users and capacity over time: in the time shown the load went from \d/ })
        .waitFor()

      const controls = page.locator('main :is(button, input, select, textarea):visible')
      const found = await controls.count()
      expect(found).toBeGreaterThan(15)
      for (let i = 0; i < found; i++) {
        const named = controls.nth(i)
        const [line] = (await named.ariaSnapshot()).split('\n')
        expect(line).toMatch(/^- (button|spinbutton|combobox|checkbox|textbox|slider) ".+"/)
      }
      await page.setViewportSize({ width: 390, height: 800 })
      await page.waitForTimeout(500)
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390)
      // On a phone what one acts by comes before the servers, of which there may be many.
      const top = async (name: string) => (await page.locator(`section.${name}`).boundingBox())!.y
      expect(await top('controls')).toBeLessThan(await top('servers'))
      expect(said).toEqual([])
      await page.close()
    })
  })

  it('answers why there were that many servers then, and what another policy would have done', {
    timeout: 120_000,
  }, async () => {
    const fleet = await fleetOf({ port: 0, pace: 20 })
    try {
      const { page, said } = await openPage(browser, fleet.url)
      const newest = () => page.locator('#past').evaluate((each) => Number((each as { max?: string }).max))
      await expect.poll(newest, { timeout: 60_000 }).toBeGreaterThan(40)
      await page.getByRole('slider', { name: 'Moment of the past' }).focus()
      await page.keyboard.press('Home')
      await page.keyboard.press('ArrowRight')
      await page
        .locator('#past-state')
        .getByText(/^At \d+ s: 5 users, 2 servers ready of 2 desired$/)
        .waitFor()
      await page
        .locator('#past-why')
        .getByText(/^At \d+ s, with 5 users, it stayed at 2 servers: threshold saw that/)
        .waitFor()
      await page.getByRole('button', { name: 'Now' }).click()
      await page.getByText(/^Move the slider/).waitFor()

      await page.getByLabel('Scale up threshold').fill('30')
      const cells = page.locator('#what-if tr', { hasText: 'server-hours' }).locator('td')
      // What is above the button may still grow and move it away from under a click.
      const asked = async () => {
        await page.getByRole('button', { name: 'What if?' }).click()
        await cells.nth(1).waitFor({ timeout: 5_000 })
      }
      await vi.waitFor(asked, { timeout: 60_000 })
      const [actual, replayed] = (await cells.allTextContents()).map(Number)
      // The size is fixed: any policy keeps it.
      expect(actual).toBeGreaterThan(0)
      expect(replayed! / actual!).toBeCloseTo(1, 1)
      await page.locator('.key', { hasText: 'what if: capacity' }).waitFor()
      expect(said).toEqual([])
      await page.close()
    } finally {
      await fleet.stop()
    }
  })

  it('speaks Chinese to a browser that does', { timeout: 60_000 }, async () => {
    const fleet = await fleetOf({ port: 0 })
    try {
      const page = await browser.newPage({ locale: 'zh-CN' })
      await page.goto(fleet.url)
      await page.getByRole('button', { name: '暂停' }).waitFor()
      expect(await page.locator('html').getAttribute('lang')).toBe('zh-CN')
      await page.close()
    } finally {
      await fleet.stop()
    }
  })

  it('has no serious finding of axe, nor has the chat page, light or dark', {
    timeout: 180_000,
  }, async () => {
    await withFleet(async ({ dashboard, chat }) => {
      const inBoth = async (page: Page) => {
        expect(await seriousFindings(page)).toEqual([])
        await page.emulateMedia({ colorScheme: 'dark' })
        expect(await seriousFindings(page)).toEqual([])
      }
      const { page } = await openPage(browser, dashboard)
      await page.locator('.tile').nth(1).waitFor()
      await page.getByRole('button', { name: 'Pause' }).click()
      await page.getByRole('log').getByText('the autoscaler is paused').waitFor()
      // A fleet that serves has the clock of the world.
      await page
        .getByRole('log')
        .getByText(/\d\d:\d\d:\d\d/)
        .waitFor()
      await inBoth(page)
      const talk = await openPage(browser, chat)
      expect(await seriousFindings(talk.page)).toEqual([])
      await talk.page.getByLabel('Your name').fill('ann')
      await talk.page.getByRole('button', { name: 'Enter' }).click()
      await talk.page.getByText(/^on server/).waitFor()
      await talk.page.getByLabel('Message', { exact: true }).fill('hello')
      await talk.page.keyboard.press('Enter')
      await talk.page.getByText('✓✓').waitFor()
      await inBoth(talk.page)
      await page.close()
      await talk.page.close()
    })
  })

  it.each(['light', 'dark'] as const)(
    'finds nothing serious in a run report, %s, that fits a phone',
    {
      timeout: 60_000,
    },
    async (scheme) => {
      const pattern = threePhase({ duration: 30, baseRate: 5, peakRate: 50 })
      const result = await runSimulation({ pattern, autoScaler: { scaleUpThreshold: 15 } })
      const page = await browser.newPage({ colorScheme: scheme, viewport: { width: 390, height: 800 } })
      await page.setContent(htmlReport(result, { command: 'concertina simulate' }))
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390)
      expect(await seriousFindings(page)).toEqual([])
      const hidden = page.locator('tr.same').first()
      expect(await hidden.isVisible()).toBe(false)
      await page.getByLabel('Also show the decisions that changed nothing').check()
      expect(await hidden.isVisible()).toBe(true)
      await page.close()
    },
  )

  it('tries a policy in the shadow, and ends it', { timeout: 60_000 }, async () => {
    await withFleet(async ({ supervisor, dashboard }) => {
      const { page, said } = await openPage(browser, dashboard)
      const log = page.getByRole('log')
      await page.getByLabel('Policy', { exact: true }).selectOption('queueing')
      await page.getByLabel('Users per server').fill('2')
      await page.getByRole('button', { name: 'Try in shadow' }).click()
      await log.getByText('the shadow is queueing (users per server 2) now').waitFor()
      await page.getByText(/^shadow: queueing would have [45] servers$/).waitFor()
      expect(supervisor.fleet.desiredCount).toBe(2)
      await page.getByRole('button', { name: 'End shadow' }).click()
      await log.getByText('the shadow is ended').waitFor()
      await page.getByRole('button', { name: 'End shadow' }).waitFor({ state: 'hidden' })
      expect(said).toEqual([])
      await page.close()
    })
  })

  it('says that it is cut off, and continues with a fleet that has restarted', {
    timeout: 60_000,
  }, async () => {
    const first = await fleetOf({ port: 0 })
    const { page } = await openPage(browser, first.url)
    await page.getByText('live', { exact: true }).waitFor()
    await page.getByLabel('Policy', { exact: true }).selectOption('queueing')
    await page.getByLabel('Users per server').fill('7')
    await first.stop()
    await page.getByText(/^cut off: .*connecting again/).waitFor()
    expect(await page.locator('.tile').count()).toBe(2)
    const second = await fleetOf({ port: first.port })
    try {
      await page.getByText('live', { exact: true }).waitFor()
      await page.locator('.tile').nth(1).waitFor()
      // What was being edited is still there.
      expect(await page.getByLabel('Users per server').inputValue()).toBe('7')
      await page.getByRole('button', { name: 'Apply' }).click()
      await page.getByRole('log').getByText('users per server 7').waitFor()
      await page.close()
    } finally {
      await second.stop()
    }
  })

  it('asks for the control token in the page, once, and again for a wrong one', {
    timeout: 60_000,
  }, async () => {
    const token = 'a control token of some length'
    const fleet = await fleetOf({ port: 0, token })
    try {
      const { page, said } = await openPage(browser, fleet.url)
      const input = page.getByLabel('This fleet needs a control token')
      await input.waitFor()
      expect(await page.locator('main').isVisible()).toBe(false)
      await page.keyboard.type('a wrong token, long enough')
      await page.keyboard.press('Enter')
      await page.getByRole('alert').getByText('The fleet rejects this token.').waitFor()
      await page.keyboard.type(token)
      await page.keyboard.press('Enter')
      await page.locator('.tile').nth(1).waitFor()
      await page.getByRole('button', { name: 'Pause' }).click()
      await page.getByRole('log').getByText('the autoscaler is paused').waitFor()
      expect(said.filter((line) => !line.includes('401 (Unauthorized)'))).toEqual([])
      await page.close()
    } finally {
      await fleet.stop()
    }
  })

  it('keeps a hundred servers small, and one stop of the tab key', { timeout: 60_000 }, async () => {
    const fleet = await fleetOf({ port: 0, servers: 100 })
    try {
      const { page, said } = await openPage(browser, fleet.url)
      await page.locator('.tile').nth(99).waitFor()
      expect(await page.getByRole('button', { name: 'Drain server' }).count()).toBe(0)
      expect(await page.locator('.tile .head:not([tabindex="-1"])').count()).toBe(1)
      await page.getByRole('button', { name: 'Server 1', exact: true }).focus()
      await page.keyboard.press('End')
      await page.keyboard.press('ArrowLeft')
      await page.keyboard.press('Enter')
      await page.getByRole('button', { name: 'Drain server 99' }).click()
      await page.getByRole('log').getByText('server 99 is drained by hand').waitFor()
      expect(said).toEqual([])
      await page.close()
    } finally {
      await fleet.stop()
    }
  })
})

describe.runIf(here)('the chat page', () => {
  const enter = async (chat: string, name: string) => {
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

  it('lets two people talk while the server under one is killed', { timeout: 90_000 }, async () => {
    await withFleet(async ({ supervisor, chat }) => {
      const ann = await enter(chat, 'ann')
      const bob = await enter(chat, 'bob')
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
      const texts = ({ page }: typeof ann) => page.locator('#messages .body').allTextContents()
      expect(await texts(bob)).toEqual(await texts(ann))

      const now = Number(await ann.page.locator('#status').getAttribute('data-server'))
      expect(supervisor.fleet.drain(now)).toBe(true)
      await expect.poll(() => ann.page.locator('#status').getAttribute('data-server')).not.toBe(String(now))
      await say(ann, 'moved')
      await bob.page.getByText('moved', { exact: false }).last().waitFor()
      const late = await enter(chat, 'late')
      await late.page.getByText('during 3').waitFor()
      expect([...ann.said, ...late.said]).toEqual([])
      expect(bob.said.every((line) => line.includes('WebSocket connection'))).toBe(true)
      for (const { page } of [ann, bob, late]) await page.close()
    })
  })

  it('speaks Chinese to a browser that does, or when its address asks for it', {
    timeout: 60_000,
  }, async () => {
    await withFleet(async ({ chat }) => {
      const page = await browser.newPage({ locale: 'zh-CN' })
      await page.goto(chat)
      expect(await page.locator('html').getAttribute('lang')).toBe('zh-CN')
      await page.getByLabel('你的名字').fill('安')
      await page.getByRole('textbox', { name: '房间', exact: true }).fill('大厅')
      await page.getByRole('button', { name: '进入' }).click()
      await page.getByText(/^在服务器 \d+ 上$/).waitFor()
      await page.getByText('在场：1').waitFor()
      await page.getByLabel('消息', { exact: true }).fill('你好')
      await page.keyboard.press('Enter')
      await page.getByRole('img', { name: '已送达' }).waitFor()
      await page.locator('.day', { hasText: '年' }).waitFor()
      await page.getByRole('button', { name: '操作' }).click()
      await page.getByRole('button', { name: '回应 👍' }).click()
      await page.getByRole('button', { name: '👍 1：安' }).waitFor()
      // Neither in English nor without a text: no word of the page is left in the other language.
      const words = ((await page.locator('body').textContent()) ?? '').match(/[a-z]{4,}/gi) ?? []
      expect(words.filter((word) => !['Concertina'].includes(word))).toEqual([])
      await page.getByLabel('另一个房间').fill('@bob')
      await page.getByRole('button', { name: '加入' }).click()
      await page.getByText(/：不允许（/).waitFor()
      await page.goto(`${chat}?lang=en`)
      await page.getByRole('button', { name: 'Enter' }).waitFor()
      await page.close()
    })
  })

  it('keeps several rooms: what is unread, and the past as one scrolls back', {
    timeout: 60_000,
  }, async () => {
    await withFleet(async ({ chat }) => {
      const talker = new ChatClient({ url: `${chat.replace('http', 'ws')}chat`, user: 'talker' })
      await talker.join('past')
      for (let i = 1; i <= 120; i++) await talker.send('past', `message ${i}`)
      const ann = await enter(chat, 'ann')
      const { page } = ann
      await page.getByLabel('Another room').fill('past')
      await page.keyboard.press('Enter')
      await page.getByText('message 120', { exact: true }).waitFor()
      expect(await page.getByText('message 70', { exact: true }).count()).toBe(0)
      await page.locator('#messages ol').focus()
      await expect
        .poll(async () => {
          await page.keyboard.press('Home')
          return page.getByText('the room begins here').count()
        })
        .toBe(1)
      const bodies = await page.locator('#messages .body').allTextContents()
      expect(bodies).toEqual(Array.from({ length: 120 }, (_, i) => `message ${i + 1}`))

      // A reader further back is not scrolled away.
      await page.keyboard.press('Home')
      await talker.send('past', 'news')
      await page.getByRole('button', { name: '1 new ↓' }).click()
      await expect.poll(() => page.title()).toBe('Concertina chat')
      await page.getByRole('button', { name: 'lobby' }).click()
      await talker.send('past', 'more news')
      await page.getByRole('button', { name: 'past 1 unread' }).click()
      await page.locator('.marker + li', { hasText: 'more news' }).waitFor()
      const { seq } = await talker.send('past', 'a typo')
      await page.getByText('a typo', { exact: true }).waitFor()
      await talker.edit('past', seq, 'a type')
      await page.locator('#messages li', { hasText: 'a type' }).getByText('edited').waitFor()
      await talker.delete('past', seq)
      await page.getByText('deleted', { exact: true }).waitFor()
      expect(await page.getByText('a type', { exact: true }).count()).toBe(0)
      await page.getByRole('button', { name: 'Leave' }).click()
      await page.getByRole('button', { name: 'Leave' }).click()
      await page.getByLabel('Your name').waitFor()
      talker.close()
      await page.close()
      expect(ann.said).toEqual([])
    })
  })

  it('links addresses, and lets one react, edit and delete by keyboard', { timeout: 90_000 }, async () => {
    await withFleet(async ({ chat }) => {
      const ann = await enter(chat, 'ann')
      const bob = await enter(chat, 'bob')
      const line = ({ page }: typeof ann, text: string) => page.locator('#messages li', { hasText: text })
      await say(
        ann,
        'see (https://example.com/a_(b)), http://[ and javascript:alert(1) or xhttp://no.example.com.',
      )
      const link = bob.page.locator('#messages a')
      await link.waitFor()
      expect(await link.allTextContents()).toEqual(['https://example.com/a_(b)'])
      expect(await link.getAttribute('href')).toBe('https://example.com/a_(b)')
      expect(await link.getAttribute('rel')).toBe('noopener noreferrer')

      await say(ann, 'one mor')
      await line(ann, 'one mor').locator('.tick', { hasText: '✓✓' }).waitFor()
      const focused = (name: string) =>
        ann.page.getByRole('button', { name, exact: true }).and(ann.page.locator(':focus'))
      await ann.page.keyboard.press('Shift+Tab')
      await focused('Actions').waitFor()
      // From here the arrow keys go to the other messages.
      await ann.page.keyboard.press('ArrowUp')
      await ann.page.keyboard.press('Enter')
      expect(await line(ann, 'see (').getByRole('group', { name: 'Actions' }).count()).toBe(1)
      await ann.page.keyboard.press('Escape')
      await ann.page.keyboard.press('ArrowDown')
      await ann.page.keyboard.press('Enter')
      await focused('React with 👍').waitFor()
      expect(await seriousFindings(ann.page)).toEqual([])
      await ann.page.keyboard.press('Enter')
      await focused('Actions').waitFor()
      await bob.page.getByRole('button', { name: '👍 1: ann', pressed: false }).click()
      await ann.page.getByRole('button', { name: '👍 2: ann, bob', pressed: true }).click()
      await bob.page.getByRole('button', { name: '👍 1: bob', pressed: true }).waitFor()
      await line(bob, 'one mor').getByRole('button', { name: 'Actions' }).click()
      await bob.page.getByRole('button', { name: 'React with 🎉' }).waitFor()
      expect(await bob.page.getByRole('button', { name: 'Edit' }).count()).toBe(0)

      await line(ann, 'one mor').getByRole('button', { name: 'Actions' }).press('Enter')
      await ann.page.getByRole('button', { name: 'Edit' }).press('Enter')
      expect(await ann.page.getByLabel('Edit message').inputValue()).toBe('one mor')
      expect(await seriousFindings(ann.page)).toEqual([])
      await ann.page.keyboard.type('e <b>')
      await ann.page.keyboard.press('Enter')
      await line(bob, 'one more <b>').getByText('edited').waitFor()
      await ann.page.getByLabel('Edit message').waitFor({ state: 'detached' })
      // Who comes later sees the same.
      const late = await enter(chat, 'late')
      await line(late, 'one more <b>').getByRole('button', { name: '👍 1: bob', pressed: false }).waitFor()

      await line(ann, 'one more').getByRole('button', { name: 'Actions' }).press('Enter')
      await ann.page.getByRole('button', { name: 'Delete' }).press('Enter')
      expect(await line(bob, 'one more').count()).toBe(1)
      await ann.page.getByRole('button', { name: 'Really delete?' }).press('Enter')
      for (const { page } of [ann, bob, late]) {
        await page.getByText('deleted', { exact: true }).waitFor()
        expect(await page.getByRole('button', { name: /^👍/ }).count()).toBe(0)
      }
      await ann.page.locator('#messages ol:focus').waitFor()
      expect([...ann.said, ...bob.said, ...late.said]).toEqual([])
      for (const { page } of [ann, bob, late]) await page.close()
    })
  })

  it('has a line where one left off and at every day, and fits a phone', { timeout: 90_000 }, async () => {
    await withFleet(async ({ chat }) => {
      const url = `${chat.replace('http', 'ws')}chat`
      const [talker, annElsewhere] = ['talker', 'ann'].map((user) => new ChatClient({ url, user }))
      await talker!.join('lobby')
      const { seq } = await talker!.send('lobby', 'seen')
      const before = await enter(chat, 'ann')
      await before.page.getByText('seen', { exact: true }).waitFor()
      expect(await before.page.locator('.marker').count()).toBe(0)
      await annElsewhere!.join('personal')
      const read = async () => (await annElsewhere!.unread(['lobby']))[0]!.read
      await expect.poll(read, { timeout: 30_000 }).toBe(seq)
      await before.page.close()
      for (let i = 1; i <= 60; i++) await talker!.send('lobby', `missed ${i}`)

      const { page, said } = await enter(chat, 'ann')
      await page.locator('#messages .marker').waitFor()
      // The first of them is further back than what came at once: the line goes with it.
      await page.locator('#messages ol').focus()
      await expect
        .poll(async () => {
          await page.keyboard.press('Home')
          return page.locator('.marker + li .body').allTextContents()
        })
        .toEqual(['missed 1'])
      const days = page.locator('#messages .day')
      expect(await days.count()).toBe(1)
      const today = await days.textContent()
      expect(await page.locator('#messages time').first().getAttribute('title')).toContain(today)

      await page.clock.setFixedTime(Date.now() + 24 * 3600 * 1000)
      await say({ page, said }, 'a day later')
      await page.locator('.day + li', { hasText: 'a day later' }).waitFor()
      expect(await days.count()).toBe(2)
      expect(await days.last().textContent()).not.toBe(today)

      await page.setViewportSize({ width: 390, height: 800 })
      await page
        .locator('#messages li', { hasText: 'a day later' })
        .getByRole('button', { name: 'Actions' })
        .click()
      await page.getByRole('button', { name: 'Delete' }).waitFor()
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390)
      expect(said).toEqual([])
      await page.close()
      talker!.close()
      annElsewhere!.close()
    })
  })

  it('lets two people talk where no WebSocket comes through, and a server goes', {
    timeout: 90_000,
  }, async () => {
    await withFleet(async ({ supervisor, chat }) => {
      const proxy = await startHttpOnlyProxy(() => [Number(new URL(chat).port)])
      try {
        const page = proxy.url.replace(/^ws/, 'http').replace(/chat$/, '')
        const ann = await enter(page, 'ann')
        const bob = await enter(page, 'bob')
        await ann.page.getByText('Here: 2').waitFor()
        await say(ann, 'by events and requests')
        await bob.page.getByText('by events and requests').waitFor()
        const under = Number(await bob.page.locator('#status').getAttribute('data-server'))
        expect(supervisor.fleet.drain(under)).toBe(true)
        await expect.poll(() => bob.page.locator('#status').getAttribute('data-server')).not.toBe(`${under}`)
        await say(bob, 'from another server')
        await ann.page.getByText('from another server').waitFor()
        expect(proxy.counts).toMatchObject({ upgrades: 2 })
        for (const each of [ann, bob]) await each.page.close()
      } finally {
        proxy.close()
      }
    })
  })

  it('says why there is no connection, and sends what was written meanwhile', {
    timeout: 90_000,
  }, async () => {
    await withFleet(async ({ chat }) => {
      const open = new Set<Socket>()
      const network = createTcpServer((socket) => {
        const behind = connect(Number(new URL(chat).port), '127.0.0.1')
        for (const each of [socket, behind]) open.add(each.on('error', () => socket.destroy()))
        socket.pipe(behind).pipe(socket)
      })
      const listen = (port: number) => once(network.listen(port, '127.0.0.1'), 'listening')
      await listen(0)
      const { port } = network.address() as AddressInfo
      const ann = await enter(`http://127.0.0.1:${port}/`, 'ann')
      await ann.page.getByText('Here: 1').waitFor()
      network.close()
      for (const each of open) each.destroy()
      await ann.page
        .getByText(/^(the connection was lost|the server cannot be reached).*; connecting again…$/)
        .waitFor()
      await say(ann, 'written meanwhile')
      await listen(port)
      await ann.page.locator('li', { hasText: 'written meanwhile' }).getByText('✓✓').waitFor()
      await ann.page.getByText(/^on server \d+$/).waitFor()
      await ann.page.close()
      network.close()
      for (const each of open) each.destroy()
    })
  })
})
