import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createElement as h } from 'react'
import { renderToString } from 'react-dom/server'
import { build } from 'vite'
import { afterEach, describe, expect, it } from 'vitest'
import { ChatClient } from '../src/client/node.ts'
import { createChat } from '../src/index.ts'
import { ChatProvider, useChat, useRoom, useStatus } from '../src/react/hooks.ts'
import { launchBrowser, openPage, requireBrowser } from './support/browser.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

function Page() {
  const { status, messages } = useRoom('lobby')
  return h('p', null, `${useStatus().state} ${status} ${messages.length}`)
}

function Bare() {
  return h('p', null, useChat().state)
}

describe('the React hooks on a server', () => {
  it('render a room that is not joined yet, and open nothing', () => {
    const client = new ChatClient({ url: 'ws://127.0.0.1:9/chat', user: 'ann' })
    closers.push(() => client.close())
    const html = renderToString(h(ChatProvider, { client }, h(Page)))
    expect(html).toBe('<p>waiting joining 0</p>')
    expect(client.cursor('lobby')).toBeUndefined()
  })

  it('say what they need', () => {
    expect(() => renderToString(h(Bare))).toThrow('ChatProvider')
  })
})

describe.skipIf(!requireBrowser())('the React hooks in a browser', () => {
  it('show a room, follow its changes, and join it once for all components', async () => {
    const outDir = mkdtempSync(join(tmpdir(), 'react-'))
    closers.push(() => rmSync(outDir, { recursive: true }))
    await build({
      configFile: false,
      logLevel: 'error',
      define: { 'process.env.NODE_ENV': '"development"' },
      build: {
        outDir,
        minify: false,
        lib: {
          entry: fileURLToPath(new URL('support/react-page.mjs', import.meta.url)),
          formats: ['es'],
          fileName: 'page',
        },
      },
    })
    const script = readFileSync(join(outDir, 'page.js'))
    const server = createServer((request, response) => {
      if (request.url === '/page.js')
        response.writeHead(200, { 'content-type': 'text/javascript' }).end(script)
      else
        response
          .writeHead(200, { 'content-type': 'text/html' })
          .end('<!doctype html><div id="app"></div><script type="module" src="page.js"></script>')
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    closers.push(() => {
      server.closeAllConnections()
      server.close()
    })
    const chat = await createChat({ auth: { anonymous: true } })
    closers.push(() => chat.close())
    chat.attach(server)
    const { port } = server.address() as AddressInfo
    for (const body of ['one', 'two', 'three', 'four'])
      await chat.service.publish('lobby', { body, user: 'eve' })
    const bob = new ChatClient({ url: `ws://127.0.0.1:${port}/chat`, user: 'bob' })
    closers.push(() => bob.close())
    await bob.join('lobby')
    const browser = await launchBrowser()
    closers.push(() => browser.close())
    const { page, said } = await openPage(browser, `http://127.0.0.1:${port}/`)
    const text = async (selector: string) => (await page.locator(selector).allTextContents()).join('|')
    const shows = (selector: string, expected: string) =>
      expect.poll(() => text(selector), { timeout: 20_000 }).toBe(expected)

    await shows('li', 'eve: three|eve: four')
    await shows('#status', 'open')
    await shows('#users', 'bob ann')
    await page.click('#older')
    await shows('li', 'eve: one|eve: two|eve: three|eve: four')
    expect(await page.locator('#older').count()).toBe(0)
    bob.typing('lobby')
    await shows('#typing', 'bob')
    await page.click('#send')
    await shows('li:last-child', 'ann: from the page')
    await page.click('#edit')
    await shows('li:last-child', 'ann: changed (edited)')
    await shows('#count', '5')
    await page.click('#remove')
    await shows('#count', '4')
    await page.click('#toggle')
    await expect.poll(() => chat.service.user('ann').rooms, { timeout: 20_000 }).toEqual([])
    await page.click('#toggle')
    await shows('li', 'eve: three|eve: four')
    await chat.close()
    await expect.poll(() => text('#status'), { timeout: 20_000 }).not.toBe('open')
    expect(said.filter((line) => /error/i.test(line) && !/WebSocket|ERR_|Failed to load/.test(line))).toEqual(
      [],
    )
  }, 120_000)
})
