import { readFileSync } from 'node:fs'
import type { Language } from '../base/language.ts'
import type { RunResult } from '../metrics/run-result.ts'
import { htmlReport } from '../report/html.ts'
import type { Repeat } from '../report/html-page.ts'
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

  /** Writes the report of a run. */
  commit(result: RunResult, language: Language): void {
    this.commitPage((repeat) => htmlReport(result, repeat, language))
  }

  /** Writes the page that is made of how to repeat it. */
  commitPage(page: (repeat: Repeat) => string): void {
    const command = ['concertina', ...process.argv.slice(2)].map(quoted).join(' ')
    this.#file.commit(page({ command, config: this.#config }))
  }

  discard(): void {
    this.#file.discard()
  }
}
