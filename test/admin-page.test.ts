import { once } from 'node:events'
import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { FleetControl } from '../src/control/fleet-control.ts'
import { startControlPlane } from '../src/live/control-plane.ts'
import { runSimulation } from '../src/simulation/run.ts'
import { constant } from '../src/traffic/patterns/constant.ts'
import { adminFleet } from './support/admin-fleet.ts'
import { launchBrowser, openPage, requireBrowser, seriousFindings } from './support/browser.ts'

const TOKEN = 'a control token of this test'
const here = requireBrowser()
let browser: Browser
beforeAll(async () => {
  if (here) browser = await launchBrowser()
})
afterAll(() => browser?.close())

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function fleet(token?: string) {
  const made = await adminFleet(token)
  closers.push(() => made.close())
  await made.start()
  return made
}

/** A proxy that serves a server under a path of its own. */
async function proxyUnder(prefix: string, target: string): Promise<string> {
  const proxy = createServer((request, response) => {
    if (!request.url?.startsWith(`${prefix}/`)) {
      response.writeHead(404).end()
      return
    }
    const { method, headers } = request
    const to = new URL(request.url.slice(prefix.length), target)
    const asked = httpRequest(to, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(response)
    })
    asked.on('error', () => response.destroy())
    response.on('close', () => asked.destroy())
    request.pipe(asked)
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  closers.push(() => {
    proxy.close()
    proxy.closeAllConnections()
  })
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}${prefix}/`
}

describe.runIf(here)('the page for rooms and users', () => {
  it('finds rooms and users, deletes a message, mutes, unmutes and bans', { timeout: 120_000 }, async () => {
    const { url, user } = await fleet(TOKEN)
    await user('ann', 'lobby', 'team 1')
    const eve = await user('eve', 'lobby')
    await eve.send('lobby', 'buy <b>now</b>')
    await eve.send('lobby', 'hello all')
    const { page, said } = await openPage(browser, await proxyUnder('/chat-fleet', url))
    await page.getByLabel('This fleet needs a control token').fill(TOKEN)
    await page.getByRole('button', { name: 'Open' }).click()
    await page.getByRole('link', { name: 'Rooms and users' }).click()
    await page.locator('.rows li').nth(1).waitFor()
    expect(await page.locator('.rows li').allTextContents()).toEqual(['lobby2 members', 'team 11 member'])
    await page.getByLabel('Search').fill('TEAM')
    await expect.poll(() => page.locator('.rows li').allTextContents()).toEqual(['team 11 member'])
    await page.getByLabel('Search').fill('lobb')
    await page.getByRole('link', { name: 'lobby', exact: true }).click()

    const messages = page.getByRole('region', { name: 'Messages' }).getByRole('listitem')
    await messages.filter({ hasText: 'hello all' }).waitFor()
    const spam = messages.filter({ hasText: 'buy <b>now</b>' })
    await spam.getByRole('button', { name: 'Delete the message of eve' }).click()
    await spam.getByRole('button', { name: 'Really delete' }).click()
    await page.getByRole('status').getByText('The message of eve was deleted.').waitFor()
    await messages.filter({ hasText: 'deleted' }).waitFor()
    expect(await messages.count()).toBe(2)

    await page.getByRole('region', { name: 'Members' }).getByRole('link', { name: 'eve' }).click()
    await page.getByRole('heading', { name: 'User eve' }).waitFor()
    const inForce = page.getByRole('region', { name: 'In force' })
    await inForce.getByText('No ban and no mute.').waitFor()
    await page.getByLabel('How long').selectOption('1 hour')
    await page.getByLabel('Where').selectOption('lobby')
    await page.getByLabel('Reason').fill('advertising')
    await page.getByRole('button', { name: 'Mute', exact: true }).click()
    await inForce.getByText(/eve muted in lobby/).waitFor()
    await inForce.getByText(/until .*advertising/).waitFor()
    await expect(eve.send('lobby', 'again')).rejects.toThrow()
    await inForce.getByRole('button', { name: 'Unmute' }).click()
    await inForce.getByText('No ban and no mute.').waitFor()
    await eve.send('lobby', 'sorry')

    await page.getByLabel('Where').selectOption('everywhere')
    await page.getByRole('button', { name: 'Ban', exact: true }).click()
    expect(eve.state).toBe('open')
    await page.getByRole('button', { name: 'Really ban eve?' }).click()
    await expect.poll(() => eve.state).toBe('closed')
    await page.getByRole('link', { name: 'Bans and mutes' }).click()
    await page.getByText(/until .*advertising/).waitFor()
    await page.getByRole('button', { name: 'Unban: eve' }).click()
    await page.getByText('No ban, no mute, no closed room.').waitFor()
    expect(said.filter((line) => !line.includes('401'))).toEqual([])
  })

  it('turns pages, names who sends most, and closes and opens a room', { timeout: 120_000 }, async () => {
    const { url, user, ask } = await fleet()
    const rooms = Array.from({ length: 55 }, (_, i) => `room ${String(i).padStart(2, '0')}`)
    const ann = await user('ann', ...rooms.slice(0, 30))
    await user('bob', ...rooms.slice(30))
    for (let i = 0; i < 60; i++) await ann.send('room 07', `message ${i}.`)
    const { page, said } = await openPage(browser, `${url}admin#/rooms`)
    const rows = page.locator('.rows li')
    await expect.poll(() => rows.count()).toBe(50)
    await page.getByRole('button', { name: 'Next' }).click()
    await expect.poll(() => rows.count()).toBe(5)
    await rows.filter({ hasText: 'room 54' }).waitFor()
    await page.getByRole('button', { name: 'Previous' }).click()
    await expect.poll(() => rows.count()).toBe(50)
    await page.getByRole('link', { name: 'Users', exact: true }).click()
    const talkers = page.getByRole('region', { name: 'Who sends most' })
    await talkers.getByText(/^\d+ messages/).waitFor()
    await talkers.getByRole('link', { name: 'room 07' }).click()
    await page.getByText('message 59.').waitFor()
    await page.getByRole('button', { name: 'Older messages' }).click()
    await page.getByText('message 0.').waitFor()
    await page.getByRole('button', { name: 'Newest messages' }).click()
    await page.getByText('message 59.').waitFor()
    await page.getByRole('button', { name: 'Close room' }).click()
    await page.getByRole('button', { name: 'Really close the room' }).click()
    await page.getByText('closed: no user can join').waitFor()
    expect((await ask('GET', 'api/chat/rooms/room%2007')).body).toMatchObject({ closed: true, members: 0 })
    await page.getByRole('button', { name: 'Open room' }).click()
    await page.getByText('0 members').waitFor()
    expect(said).toEqual([])
  })

  it('is accessible in every view, in both languages, light and dark, on a phone, too', {
    timeout: 120_000,
  }, async () => {
    const { url, user, ask } = await fleet()
    const eve = await user('eve', 'lobby')
    for (const text of ['one', 'two']) await eve.send('lobby', text)
    await ask('POST', 'api/chat/users/eve/mute', { seconds: 600, reason: 'advertising' })
    for (const [lang, scheme, title] of [
      ['en', 'light', 'Room lobby'],
      ['zh', 'dark', '房间 lobby'],
    ] as const) {
      for (const view of ['rooms', 'users', 'decisions', 'room/lobby', 'user/eve']) {
        const { page } = await openPage(browser, `${url}admin?lang=${lang}#/${view}`, scheme)
        await page.locator('#connection.live').waitFor()
        expect([lang, view, await seriousFindings(page)]).toEqual([lang, view, []])
        await page.setViewportSize({ width: 360, height: 640 })
        expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
        if (view === 'room/lobby') expect(await page.locator('main h1').textContent()).toBe(title)
        await page.close()
      }
    }
  })

  it('is not offered where there is no chat, and says so when it is opened there', async () => {
    const stop = new AbortController()
    let run: Promise<unknown> = Promise.resolve()
    const control = await new Promise<FleetControl>((resolve) => {
      run = runSimulation({
        pattern: constant({ users: 5, duration: 600 }),
        pace: 1,
        signal: stop.signal,
        onControl: resolve,
      }).catch(() => {})
    })
    const plane = await startControlPlane(control, { port: 0 })
    closers.push(
      () => run,
      () => stop.abort(),
      () => plane.close(),
    )
    const { page } = await openPage(browser, plane.url)
    await page.getByText('live', { exact: true }).waitFor()
    expect(await page.getByRole('link', { name: 'Rooms and users' }).count()).toBe(0)
    await page.goto(`${plane.url}admin`)
    await page.locator('#connection.cut').waitFor()
  })
})
