import { statSync } from 'node:fs'
import { ConcertinaError } from './errors.ts'

/**
 * A folder cannot be read in place of a file, and reading a pipe never ends. Passes when there is nothing of that name.
 * @param instead what is to be there
 * @throws {ConcertinaError} FILE_ACCESS
 */
export function requireFile(file: string, instead: string): void {
  if (statSync(file, { throwIfNoEntry: false })?.isFile() ?? true) return
  throw new ConcertinaError('FILE_ACCESS', `${file}: it is not a file`, { hint: instead })
}
