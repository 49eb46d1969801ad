import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const WHOLE = '4g'

/** A folder on a disk of its own that can be full for a while, where this process may mount one; else a plain folder. */
export class SmallDisk {
  readonly folder = mkdtempSync(join(tmpdir(), 'chaos-'))
  readonly canFill = this.#mount('-t', 'tmpfs', '-o', `size=${WHOLE}`, 'tmpfs')

  constructor() {
    process.once('exit', this.remove)
  }

  #mount(...args: string[]): boolean {
    return spawnSync('mount', [...args, this.folder]).status === 0
  }

  /** Leaves not a byte free. */
  fill(): void {
    const { blocks, bfree, bsize } = statfsSync(this.folder)
    this.#mount('-o', `remount,size=${(blocks - bfree) * bsize}`)
  }

  empty(): void {
    this.#mount('-o', `remount,size=${WHOLE}`)
  }

  /** Also at the end of a process that was interrupted, whose fleet may have files open for a moment longer. */
  readonly remove = (): void => {
    process.off('exit', this.remove)
    if (this.canFill) spawnSync('umount', ['--lazy', this.folder])
    rmSync(this.folder, { recursive: true, force: true })
  }
}
