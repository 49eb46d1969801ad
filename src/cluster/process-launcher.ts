import { spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { hostname } from 'node:os'
import { howItEnded } from '../fleet/failure-words.ts'
import type { ServerLauncher } from './bus-provider.ts'

/** Characters of a failed start's error output that are reported. */
const MOST_REASON = 500

/**
 * Starts servers as processes of this machine that live on without this one.
 * @param command the command line of a server; `--ref` and its name are added
 */
export function processLauncher(command: readonly string[]): ServerLauncher {
  return {
    launch(ref, onExit) {
      const [program, ...args] = command
      let output = ''
      const child = spawn(program!, [...args, '--ref', ref], {
        detached: true,
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      child.stderr.on('data', (chunk: Buffer) => {
        if (output.length < MOST_REASON) output += chunk
      })
      child.on('error', (error) => onExit(error.message))
      child.once('exit', (code, signal) => {
        const how = howItEnded(code, signal)
        onExit(output === '' ? how : `${how}: ${output.slice(0, MOST_REASON).trim()}`)
      })
      // The server lives on when this process ends, which it keeps from doing so by nothing.
      child.unref()
      ;(child.stderr as Socket).unref()
    },
    kill({ host, pid }) {
      if (host !== hostname()) return false
      try {
        process.kill(pid, 'SIGKILL')
        return true
      } catch {
        return false
      }
    },
  }
}
