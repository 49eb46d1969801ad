import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EmbeddedRoomLog } from './embedded.ts'

let folder: string
let children: ChildProcessWithoutNullStreams[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'data-lock-'))
  children = []
})
afterEach(async () => {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGKILL')
    await once(child, 'close')
  }
  rmSync(folder, { recursive: true, force: true })
})

const SCRIPT = fileURLToPath(new URL('../../../../test/hold-log.ts', import.meta.url))

/** Another process that opens the log; `next` resolves with the next line that it prints. */
function start({ wrap = [] as string[], env = {}, at = 0 } = {}) {
  const [command, ...args] = [
    ...wrap,
    process.execPath,
    '--import',
    import.meta.resolve('tsx'),
    SCRIPT,
    folder,
    `${at}`,
  ]
  const child = spawn(command!, args, { env: { ...process.env, ...env } })
  children.push(child)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    child,
    next: async () => (await lines.next()).value as string | undefined,
    async append(id: string) {
      child.stdin.write(`${id}\n`)
      return this.next()
    },
  }
}

const NAMESPACE = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child']
const canUnshare = spawnSync(NAMESPACE[0]!, [...NAMESPACE.slice(1), 'true']).status === 0
/** As in an image without flock, perl and python3: the system's lock cannot be had. */
const NO_SYSTEM_LOCK = { PATH: '' }

describe('the lock of the data folder', () => {
  it('rejects a second log, names the process, and ends with it', async () => {
    const log = EmbeddedRoomLog.open(folder)
    expect(log.isSystemLock).toBe(true)
    expect(() => EmbeddedRoomLog.open(folder)).toThrow(`process ${process.pid} on `)
    await log.close()
    await EmbeddedRoomLog.open(folder).close()
  })

  it('lets one of eight starts have a folder whose holder has died', async () => {
    writeFileSync(join(folder, 'lock'), '999999 1\n')
    const at = Date.now() + 2500
    const all = Array.from({ length: 8 }, () => start({ at }))
    const said = await Promise.all(all.map(({ next }) => next()))
    expect(said.sort()).toEqual([...Array.from({ length: 7 }, () => 'DATA_IN_USE'), 'open'])
  })

  it('holds while its process is stopped, and goes at once when it is killed', async () => {
    const first = start()
    expect(await first.next()).toBe('open')
    first.child.kill('SIGSTOP')
    expect(await start().next()).toBe('DATA_IN_USE')
    first.child.kill('SIGKILL')
    await once(first.child, 'close')
    expect(await start().next()).toBe('open')
  })

  it.runIf(canUnshare)(
    'holds between PID namespaces, as two containers with one volume have them',
    async () => {
      const first = start({ wrap: NAMESPACE })
      expect(await first.next()).toBe('open')
      expect(await first.append('a')).toBe('a 1')
      expect(await start({ wrap: NAMESPACE }).next()).toBe('DATA_IN_USE')
      expect(() => EmbeddedRoomLog.open(folder)).toThrow(/uses it/)
      expect(await first.append('b')).toBe('b 2')
    },
  )

  it('is watched where the system cannot lock, and who was paused while another took over promises nothing', async () => {
    const first = start({ env: NO_SYSTEM_LOCK })
    expect(await first.next()).toBe('open')
    expect(await first.append('a')).toBe('a 1')
    expect(await start({ env: NO_SYSTEM_LOCK }).next()).toBe('DATA_IN_USE')
    first.child.kill('SIGSTOP')
    const second = start({ env: NO_SYSTEM_LOCK })
    expect(await second.next()).toBe('open')
    expect(await second.append('b')).toMatch(/^b \d+$/)
    first.child.kill('SIGCONT')
    expect(await first.append('c')).toMatch(/^c the data folder was removed or taken by another process/)
    expect(await second.append('d')).toMatch(/^d \d+$/)
    second.child.stdin.end()
    await once(second.child, 'close')
    const log = EmbeddedRoomLog.open(folder)
    const { entries } = await log.read('r', 0, 10)
    expect(entries.map(({ payload }) => JSON.parse(payload.toString()).id)).toEqual(['a', 'b', 'd'])
    await log.close()
  })
})
