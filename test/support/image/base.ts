import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** What the image's build runs in its base. */
const PROGRAMS = ['bash', 'cat', 'chmod', 'chown', 'cp', 'dirname', 'grep', 'ldd', 'mkdir', 'tini-static']

/** The libraries that a program needs, as the loader finds them; none for one that is static or a script. */
function librariesOf(program: string): string[] {
  try {
    const output = execFileSync('ldd', [program], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    return output.match(/\/[^ )\n]*/g) ?? []
  } catch {
    return []
  }
}

/** Makes in a folder what stands for the stage `base`: Node, tini, a shell and a few programs, all of this very machine. */
export function makeBase(root: string): void {
  const copy = (from: string, to = from) => {
    mkdirSync(dirname(join(root, to)), { recursive: true })
    copyFileSync(from, join(root, to))
  }
  for (const program of PROGRAMS) {
    const path = execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim()
    copy(path, `/usr/bin/${program}`)
    if (program === 'bash') for (const shell of ['/bin/sh', '/bin/bash']) copy(path, shell)
    for (const library of librariesOf(path)) copy(library)
  }
  copy(process.execPath, '/usr/local/bin/node')
  for (const library of librariesOf(process.execPath)) copy(library)
  mkdirSync(join(root, 'tmp'), { recursive: true })
}
