import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConcertinaError } from '../../../base/errors.ts'

/** When a process started, as far as the system tells (Linux); tells a process from a later one with its number. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')')).split(' ')[20] ?? ''
  } catch {
    return ''
  }
}

function isAlive(pid: number, start: string): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  return startOf(pid) === start
}

/**
 * Keeps a data folder to one process. A lock whose process is gone does not count.
 * @returns what gives the folder free again.
 * @throws {ConcertinaError} DATA_IN_USE.
 */
export function lockData(folder: string): () => void {
  const file = join(folder, 'lock')
  const mine = `${process.pid} ${startOf(process.pid)}\n`
  for (let attempt = 0; ; attempt++) {
    try {
      writeFileSync(file, mine, { flag: 'wx' })
      return () => rmSync(file, { force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    let holder = ''
    try {
      holder = readFileSync(file, 'utf8')
    } catch {
      continue // it went meanwhile
    }
    const [pid = '', start = ''] = holder.trim().split(' ')
    if (attempt > 2 || isAlive(Number(pid), start)) {
      throw new ConcertinaError('DATA_IN_USE', `${folder}: process ${pid} uses it`, {
        hint: 'stop that process, or name another folder with --data',
      })
    }
    rmSync(file, { force: true })
  }
}
