import { readdirSync, readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname, join } from 'node:path'
import { packageFile } from '../base/package-folder.ts'

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
}

/** Only what this server gives out itself may run or be loaded. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** Where the build puts the pages. */
const FOLDER = packageFile('dist/web')

type PageFile = 'dashboard.html' | 'admin.html' | 'fleets.html' | 'chat.html'

function readPages(
  home: PageFile,
  others: Readonly<Record<string, PageFile>>,
): Map<string, { type: string; body: Buffer }> {
  const pages = new Map<string, { type: string; body: Buffer }>()
  const add = (path: string, file: string) =>
    pages.set(path, { type: TYPES[extname(file)] ?? 'application/octet-stream', body: readFileSync(file) })
  try {
    for (const name of readdirSync(join(FOLDER, 'assets')))
      add(`/assets/${name}`, join(FOLDER, 'assets', name))
    for (const [path, file] of Object.entries({ ...others, '/': home })) add(path, join(FOLDER, file))
  } catch {
    pages.set('/', {
      type: 'text/plain; charset=utf-8',
      body: Buffer.from('the pages are not built: npm run build\n'),
    })
  }
  return pages
}

/**
 * Gives out the page `home` at `/`, others at their paths, and what they need. Everything is read once, at the start.
 */
export function pages(
  home: PageFile,
  others: Readonly<Record<string, PageFile>> = {},
): (request: IncomingMessage, response: ServerResponse) => void {
  const all = readPages(home, others)
  return ({ url = '/', method }, response) => {
    const page = all.get(url.split('?')[0]!)
    if (!page || (method !== 'GET' && method !== 'HEAD')) {
      response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('not found\n')
      return
    }
    response
      .writeHead(200, {
        'content-type': page.type,
        'content-length': page.body.length,
        'cache-control': url.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
        'content-security-policy': POLICY,
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
      })
      .end(method === 'HEAD' ? undefined : page.body)
  }
}
