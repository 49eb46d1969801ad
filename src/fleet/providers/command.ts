import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { z } from 'zod'
import { type OptionsOf, option, optionSet } from '../../base/options.ts'
import type { ProviderFactory } from '../provider.ts'

const COMMAND_TIMEOUT_MS = 30_000

export const commandOptions = optionSet({
  initial: option(z.number().int().min(0), 'servers that run already', 0),
})

/**
 * Hands the desired size to a command of the user: `<command> <count>`, where `{}` in it is replaced by the count. The servers
 * are not seen: each counts as ready when the command succeeded.
 * @throws {ConcertinaError} INVALID_INPUT, naming the option.
 */
export function commandProvider(
  command: string,
  options: OptionsOf<typeof commandOptions.shape> = {},
): ProviderFactory {
  const { initial } = commandOptions.parse(options)
  return (lifecycle) => {
    const running: string[] = []
    const abort = new AbortController()
    let next = 1
    let desired = initial
    let written = initial
    let working: Promise<void> | undefined

    const adjust = () => {
      while (running.length < written) {
        const ref = `unit-${next++}`
        running.push(ref)
        lifecycle.starting(ref)
        lifecycle.ready(ref)
      }
      while (running.length > written) lifecycle.stopped(running.pop()!)
    }
    const run = async () => {
      await Promise.resolve() // changes of the same moment go into one call
      while (written !== desired && !abort.signal.aborted) {
        const count = desired
        const text = command.includes('{}') ? command.replaceAll('{}', String(count)) : `${command} ${count}`
        try {
          const limits = { timeout: COMMAND_TIMEOUT_MS, signal: abort.signal }
          await promisify(execFile)('/bin/sh', ['-c', text], limits)
          written = count
          adjust()
        } catch (error) {
          if (abort.signal.aborted) return
          lifecycle.problem(`${text}: ${(error as Error).message.trim()}`)
          await new Promise((resolve) => setTimeout(resolve, 1000))
        }
      }
    }
    const set = (count: number) => {
      desired = Math.max(0, count)
      working ??= run().finally(() => {
        working = undefined
      })
    }
    return {
      name: 'command',
      replacesFailed: true,
      async start() {
        adjust()
      },
      launch: (count) => set(desired + count),
      cancel: (count) => set(desired - count),
      drain(ref) {
        const at = running.indexOf(ref)
        if (at < 0) return
        // Which one goes is the command's choice: the last in the list represents it.
        running.push(...running.splice(at, 1))
        set(desired - 1)
      },
      kill() {},
      async close() {
        abort.abort()
        await working
      },
    }
  }
}
