import { readFileSync } from 'node:fs'
import type { RunResult } from '../metrics/run-result.ts'
import { htmlReport } from '../report/html.ts'
import { OutputFile } from './output-file.ts'

const quoted = (text: string) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)

/** The HTML report that `--report` asks for. */
export class ReportFile {
  readonly #file: OutputFile
  readonly #config: string | undefined

  /** @throws {ConcertinaError} FILE_ACCESS when the file cannot be written there. */
  constructor(file: string, config?: string) {
    this.#config = config === undefined ? undefined : readFileSync(config, 'utf8')
    this.#file = new OutputFile('--report', file)
  }

  commit(result: RunResult): void {
    const command = ['concertina', ...process.argv.slice(2)].map(quoted).join(' ')
    this.#file.commit(htmlReport(result, { command, config: this.#config }))
  }

  discard(): void {
    this.#file.discard()
  }
}
