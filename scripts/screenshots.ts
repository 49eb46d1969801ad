/** Takes the screenshots of the guide again: `npm run screenshots`, with Debian's chromium. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { compare } from '../src/cli/commands/compare.ts'
import { readConfig } from '../src/cli/config/config.ts'
import { runAutoScalingDemo } from '../src/demo.ts'
import { startControlPlane } from '../src/live/control-plane.ts'
import { runSimulation } from '../src/simulation/run.ts'
import { jitter, sum } from '../src/traffic/combinators.ts'
import { diurnal } from '../src/traffic/patterns/diurnal.ts'
import { spike } from '../src/traffic/patterns/spike.ts'
import { adminFleet } from '../test/support/admin-fleet.ts'
import { launchBrowser, openPage } from '../test/support/browser.ts'

mkdirSync('docs/images', { recursive: true })
const browser = await launchBrowser()
const seen = (find: (address: RegExpExecArray) => void) => (line: string) => {
  const address = /Dashboard: (\S+) +Chat: (\S+)/.exec(line)
  if (address) find(address)
}
let addresses!: (address: RegExpExecArray) => void
const found = new Promise<RegExpExecArray>((resolve) => {
  addresses = resolve
})
const demo = runAutoScalingDemo({ live: true, duration: 30, write: seen((address) => addresses(address)) })
const [, dashboard, chat] = await found
const light = await openPage(browser, dashboard!)
const dark = await openPage(browser, dashboard!, 'dark')
const talk = async (name: string) => {
  const { page } = await openPage(browser, chat!)
  await page.setViewportSize({ width: 900, height: 480 })
  await page.getByLabel('Your name').fill(name)
  await page.getByRole('button', { name: 'Enter' }).click()
  await page.getByText(/^on server/).waitFor()
  const say = async (text: string) => {
    await page.getByLabel('Message', { exact: true }).fill(text)
    await page.keyboard.press('Enter')
    await page.locator('li', { hasText: text }).getByText('✓✓').waitFor()
  }
  const join = async (room: string) => {
    await page.getByLabel('Another room').fill(room)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: room }).waitFor()
  }
  const goTo = (room: string) => page.getByRole('button', { name: room }).click()
  return { page, say, join, goTo }
}
const ann = await talk('ann')
const bob = await talk('bob')
for (const each of [ann, bob]) await each.join('operations')
await ann.goTo('lobby')
await bob.say('Four servers by now.')
await bob.goTo('lobby')
await ann.say('Did you notice the server going away?')
await bob.say('Which server?')
await ann.say('Exactly.')
await bob.page.getByText('Exactly.').waitFor()
await ann.page.screenshot({ path: 'docs/images/chat.png' })
// The load is on its way down, and the demonstration still runs.
for (const { page } of [light, dark]) await page.locator('#events').getByText('down to 3 servers').waitFor()
await light.page.screenshot({ path: 'docs/images/dashboard.png' })
await dark.page.screenshot({ path: 'docs/images/dashboard-dark.png' })
await demo

// A day under slo with a forecast and a shadow, in half a minute.
const options = readConfig('examples/day.yaml')
const stop = new AbortController()
let plane!: ReturnType<typeof startControlPlane>
const day = runSimulation({
  ...options,
  pattern: options.pattern!,
  pace: 2880,
  signal: stop.signal,
  onControl: (control) => {
    plane = startControlPlane(control, { port: 0 })
  },
})
const { page: dayPage } = await openPage(browser, (await plane).url)
await dayPage.getByRole('button', { name: '1 day' }).click()
await new Promise((resolve) => setTimeout(resolve, 44_000))
await dayPage.screenshot({ path: 'docs/images/dashboard-day.png' })
stop.abort()
await day
;(await plane).close()

// Two weeks of two made-up loads, and what every policy would do with them.
const folder = mkdtempSync(join(tmpdir(), 'screenshots-'))
const twoWeeks = 14 * 86_400
const wave = diurnal({ mean: 600, amplitude: 400, duration: twoWeeks })
const crowd = spike({ base: 0, peak: 900, at: 9.8 * 86_400, width: 1800, duration: twoWeeks })
const loads = {
  'calm.csv': jitter(wave, { amount: 0.04, every: 60, seed: 1 }),
  'crowded.csv': jitter(sum(wave, crowd), { amount: 0.2, every: 60, seed: 2 }),
}
for (const [name, { users }] of Object.entries(loads)) {
  const rows = Array.from({ length: twoWeeks / 60 + 1 }, (_, i) => `${i * 60},${users(i * 60)}`)
  writeFileSync(join(folder, name), ['t_seconds,value', ...rows].join('\n'))
}
const report = join(folder, 'compare.html')
const compared = new AbortController()
await compare({ trace: [folder], targetServers: 40, report }, compared.signal)
const { page: comparePage } = await openPage(browser, pathToFileURL(report).href)
await comparePage.setViewportSize({ width: 1160, height: 1010 })
await comparePage.screenshot({ path: 'docs/images/compare.png' })
rmSync(folder, { recursive: true })

// Rooms and users, of a small chat.
const chatFleet = await adminFleet()
await chatFleet.start()
const [sender, answerer] = [await chatFleet.user('ann', 'lobby'), await chatFleet.user('bob', 'lobby')]
await sender.send('lobby', 'Did you notice the server going away?')
await answerer.send('lobby', 'Which server?')
await sender.send('lobby', 'Exactly.')
const { page: admin } = await openPage(browser, `${chatFleet.url}admin#/room/lobby`)
await admin.setViewportSize({ width: 900, height: 480 })
await admin.getByText('Exactly.').waitFor()
await admin.screenshot({ path: 'docs/images/admin.png' })
await chatFleet.close()
await browser.close()
