import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { ConcertinaError } from '../../../base/errors.ts'
import { requireFile } from '../../../base/plain-file.ts'

/** Milliseconds between two beats of a lock that the system does not keep, and how long another start watches for one. */
const BEAT_MS = 1000
const WATCH_MS = 5000

/** `open` locks the file by itself: BSD's O_EXLOCK | O_NONBLOCK, and libuv's exclusive opening on Windows. */
const OPEN_LOCKS: Partial<Record<NodeJS.Platform, number>> = {
  darwin: 0x20 | 0x4,
  freebsd: 0x20 | 0x4,
  openbsd: 0x20 | 0x4,
  win32: 0x10000000,
}

/** What to write into the log of the service where two processes are kept apart by watching only. */
export const noSystemLock = (folder: string) =>
  `${folder} cannot be locked by this system (no flock, perl or python3, or a file system without locks): run one process on it`

/** What the lock file says of its holder. */
interface Holder {
  readonly token: string
  readonly pid: number
  readonly host: string
  /** `beats` when the system could not lock the file and the holder shows that it lives by writing it again and again. */
  readonly kind: 'locked' | 'beats'
  readonly beat: number
}

function parseHolder(text: string): Holder | undefined {
  try {
    const holder = JSON.parse(text) as Holder
    return typeof holder.token === 'string' ? holder : undefined
  } catch {
    return undefined
  }
}

/**
 * Commands that take a flock(2) lock on descriptor 3: the lock belongs to the open file that this process shares with them,
 * and stays when they end. Node itself has no such call on Linux.
 */
const LOCKERS: readonly [command: string, ...args: string[]][] = [
  ['flock', '-n', '-x', '3'],
  ['perl', '-e', 'open(F, "+<&=3") || exit 2; exit(flock(F, 6) ? 0 : $!{EWOULDBLOCK} ? 1 : 2)'],
  [
    'python3',
    '-c',
    'import fcntl,sys\ntry: fcntl.flock(3,6)\nexcept BlockingIOError: sys.exit(1)\nexcept OSError: sys.exit(2)',
  ],
]

function lockDescriptor(descriptor: number): 'locked' | 'held' | 'unsupported' {
  for (const [command, ...args] of LOCKERS) {
    const { status } = spawnSync(command, args, { stdio: ['ignore', 'ignore', 'ignore', descriptor] })
    if (status === 0) return 'locked'
    if (status === 1) return 'held'
  }
  return 'unsupported'
}

const sleepSync = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

/**
 * Keeps a data folder to one process, also across containers and PID namespaces: a lock of the operating system on its file
 * `lock`, which ends with the process however that ends. Where the system or the file system has no such lock, the holder
 * writes the file every second, and another start watches it for five before it takes over. In either case the file names
 * its holder by a token, and `isHeld` must be asked before anything that was written is acknowledged: a process that was paused while
 * another took over, or lost the folder, finds out before it promises anything.
 */
export class DataLock {
  readonly #file: string
  readonly #descriptor: number
  readonly #holder: Holder
  #written: { ino: bigint; mtimeNs: bigint } | undefined
  readonly #beats: NodeJS.Timeout | undefined
  #beat = 0

  private constructor(file: string, descriptor: number, kind: Holder['kind']) {
    this.#file = file
    this.#descriptor = descriptor
    this.#holder = { token: randomUUID(), pid: process.pid, host: hostname(), kind, beat: 0 }
    this.#write()
    if (kind === 'beats') {
      this.#beats = setInterval(() => {
        try {
          if (this.isHeld()) this.#write()
        } catch {} // it cannot be seen now; the next append asks again
      }, BEAT_MS)
      this.#beats.unref()
    }
  }

  /** Whether the operating system keeps the lock; otherwise two starts on two machines are only kept apart by watching. */
  get isSystemLock(): boolean {
    return this.#holder.kind === 'locked'
  }

  /**
   * @throws {ConcertinaError} DATA_IN_USE, or FILE_ACCESS when something else is in the way
   * @throws the system's error when the lock file cannot be opened
   */
  static acquire(folder: string): DataLock {
    const file = join(folder, 'lock')
    requireFile(file, 'nothing of that name: it is made again')
    const inUse = () => {
      let holder: Holder | undefined
      try {
        holder = parseHolder(readFileSync(file, 'utf8'))
      } catch {} // on Windows the holder's file cannot be read
      const who = holder ? `process ${holder.pid} on ${holder.host}` : 'another process'
      return new ConcertinaError('DATA_IN_USE', `${folder}: ${who} uses it`, {
        hint: 'stop that process, or name another folder (data, or --data)',
      })
    }
    const byOpening = OPEN_LOCKS[process.platform]
    let descriptor: number
    try {
      descriptor = openSync(file, constants.O_RDWR | constants.O_CREAT | (byOpening ?? 0), 0o600)
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException
      if (byOpening !== undefined && ['EAGAIN', 'EWOULDBLOCK', 'EBUSY'].includes(code)) throw inUse()
      throw error
    }
    try {
      const locked = byOpening === undefined ? lockDescriptor(descriptor) : 'locked'
      if (locked === 'held') throw inUse()
      const before = readFileSync(file, 'utf8')
      if ((locked === 'unsupported' && before !== '') || parseHolder(before)?.kind === 'beats') {
        for (let waited = 0; waited < WATCH_MS; waited += 250) {
          sleepSync(250)
          if (readFileSync(file, 'utf8') !== before) throw inUse()
        }
      }
      return new DataLock(file, descriptor, locked === 'locked' ? 'locked' : 'beats')
    } catch (error) {
      closeSync(descriptor)
      throw error
    }
  }

  #write(): void {
    const text = JSON.stringify({ ...this.#holder, beat: ++this.#beat }).padEnd(256)
    try {
      writeSync(this.#descriptor, `${text}\n`, 0)
    } catch {
      // A disk that is full or read-only: the system's lock holds without it.
    }
    const { ino, mtimeNs } = fstatSync(this.#descriptor, { bigint: true })
    this.#written = { ino, mtimeNs }
  }

  /** Whether the folder is still this process's. Asked after each write, so at once: a way through the thread pool costs more. */
  isHeld(): boolean {
    const written = this.#written
    try {
      const { ino, mtimeNs } = statSync(this.#file, { bigint: true })
      if (written && ino === written.ino && mtimeNs === written.mtimeNs) return true
      if (written && ino !== written.ino) return false
      return parseHolder(this.#content())?.token === this.#holder.token
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT' || code === 'ENOTDIR') return false
      throw error
    }
  }

  #content(): string {
    const data = Buffer.alloc(512)
    return data.toString('utf8', 0, readSync(this.#descriptor, data, 0, data.length, 0))
  }

  release(): void {
    clearInterval(this.#beats)
    closeSync(this.#descriptor)
  }
}
