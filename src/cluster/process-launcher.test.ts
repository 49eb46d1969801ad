import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const MODULE = fileURLToPath(new URL('./process-launcher.ts', import.meta.url))
const SERVER = JSON.stringify([process.execPath, '-e', 'setInterval(() => {}, 1000)', '--'])

it('lets the process that launched a server end, while the server lives on', async () => {
  const script = `
    import { processLauncher } from ${JSON.stringify(MODULE)}
    import { ChildProcess } from 'node:child_process'
    const unref = ChildProcess.prototype.unref
    ChildProcess.prototype.unref = function () { console.log(this.pid); return unref.call(this) }
    processLauncher(${SERVER}).launch('one', () => console.log('exit'))`
  const tsx = import.meta.resolve('tsx')
  const launcher = spawn(process.execPath, ['--import', tsx, '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 30_000,
  })
  let output = ''
  launcher.stdout.on('data', (chunk: Buffer) => {
    output += chunk
  })
  const [code, signal] = await once(launcher, 'close')
  const pid = Number(output)
  try {
    expect({ code, signal }).toEqual({ code: 0, signal: null })
    expect(() => process.kill(pid, 0)).not.toThrow()
  } finally {
    process.kill(pid, 'SIGKILL')
  }
}, 90_000)
