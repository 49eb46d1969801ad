import { type KeysOf, requireKnown } from '../base/known-keys.ts'
import type { Provider, ProviderFactory, ServerRef } from './provider.ts'

/** One rule that every provider keeps; `run` rejects with what was wrong. */
export interface ProviderCheck {
  readonly name: string
  run(): Promise<void>
}

/** What the checks of a provider need to know of it. */
export interface ProviderCheckOptions {
  /** Called for each provider that a check makes. All of them see the same platform. */
  provider: ProviderFactory
  /** Called again and again while a check waits: lets virtual time pass. */
  advance?: () => void
  /** Whether its servers live on when it is closed, to be adopted by the next. */
  outlives?: boolean
  /** Empties the platform after a check, where servers outlive their provider. */
  reset?: () => Promise<void>
  /** How long a check waits for each report; default 10,000. */
  timeoutMs?: number
}

const KEYS: KeysOf<ProviderCheckOptions> = {
  provider: true,
  advance: true,
  outlives: true,
  reset: true,
  timeoutMs: true,
}

type Report = readonly [event: string, ref: ServerRef, reason?: string]

/** A provider with all that it reported. */
class Recorder {
  readonly provider: Provider
  readonly reports: Report[] = []
  readonly #options: ProviderCheckOptions

  constructor(options: ProviderCheckOptions) {
    this.#options = options
    const refs: ServerRef[] = []
    const add = (event: string) => (ref: ServerRef, reason?: string) => {
      this.reports.push(reason === undefined ? [event, ref] : [event, ref, reason])
    }
    this.provider = options.provider({
      starting: (ref) => {
        if (refs.includes(ref)) return refs.indexOf(ref) + 1
        this.reports.push(['starting', ref])
        return refs.push(ref)
      },
      ready: add('ready'),
      draining: add('draining'),
      stopped: add('stopped'),
      failed: add('failed'),
      coming: () => {},
      problem: () => {},
      busyUntil: () => 0,
      users: () => 0,
    })
  }

  refs(event: string): ServerRef[] {
    return this.reports.flatMap(([each, ref]) => (each === event ? [ref] : []))
  }

  async until(what: string, done: () => boolean): Promise<void> {
    const { advance = () => {}, timeoutMs = 10_000 } = this.#options
    for (const end = Date.now() + timeoutMs; !done(); ) {
      if (Date.now() > end) {
        throw new Error(`${what}: not within ${timeoutMs} ms; reported ${JSON.stringify(this.reports)}`)
      }
      advance()
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  async ready(count: number): Promise<void> {
    await this.until(`${count} ready`, () => this.refs('ready').length >= count)
  }

  /** Lets some time pass in which nothing more should happen. */
  async quiet(): Promise<void> {
    const end = Date.now() + 200
    await this.until('quiet', () => Date.now() > end)
  }
}

function expect(holds: boolean, rule: string, { reports }: Recorder): void {
  if (!holds) throw new Error(`${rule}; reported ${JSON.stringify(reports)}`)
}

type Rule = (recorder: Recorder, options: ProviderCheckOptions) => Promise<void>

const RULES: Readonly<Record<string, Rule>> = {
  async 'launch returns before the server is ready; starting is reported before ready'(recorder) {
    recorder.provider.launch(1)
    expect(recorder.refs('ready').length === 0, 'launch reported ready at once', recorder)
    await recorder.ready(1)
    const [first, second] = recorder.reports
    expect(first?.[0] === 'starting' && second?.[0] === 'ready', 'starting comes before ready', recorder)
    expect(first?.[1] === second?.[1], 'both name the same server', recorder)
  },
  async 'starts as many as were launched, each reported once, and drains the chosen one'(recorder) {
    recorder.provider.launch(3)
    await recorder.ready(3)
    await recorder.quiet()
    expect(new Set(recorder.refs('ready')).size === 3, 'three servers, each ready once', recorder)
    const chosen = recorder.refs('ready')[1]!
    recorder.provider.drain(chosen)
    await recorder.until('stopped', () => recorder.refs('stopped').length > 0)
    await recorder.quiet()
    expect(recorder.refs('stopped').join() === chosen, 'only the drained server stopped', recorder)
    expect(recorder.refs('failed').length === 0, 'a drained server has not failed', recorder)
  },
  async 'reports a killed server as failed, with a reason'(recorder) {
    recorder.provider.launch(2)
    await recorder.ready(2)
    const [chosen] = recorder.refs('ready')
    recorder.provider.kill(chosen!)
    await recorder.until('failed', () => recorder.refs('failed').length > 0)
    const failure = recorder.reports.find(([event]) => event === 'failed')!
    expect(failure[1] === chosen, 'the killed one failed', recorder)
    expect((failure[2] ?? '') !== '', 'a failure has a reason', recorder)
  },
  async 'cancels one that still starts: it never becomes ready'(recorder) {
    recorder.provider.launch(1)
    await recorder.until('starting', () => recorder.refs('starting').length > 0)
    if (recorder.refs('ready').length > 0) return // too fast to be cancelled
    const [ref] = recorder.refs('starting')
    recorder.provider.drain(ref!)
    const gone = () => recorder.refs('stopped').length + recorder.refs('failed').length > 0
    await recorder.until('stopped or failed', gone)
    await recorder.quiet()
    expect(!recorder.refs('ready').includes(ref!), 'a cancelled server never becomes ready', recorder)
  },
  async 'ignores a server that it does not know'(recorder) {
    recorder.provider.drain('no-such-server')
    recorder.provider.kill('no-such-server')
    await recorder.quiet()
    expect(recorder.reports.length === 0, 'nothing is reported of an unknown server', recorder)
  },
  async 'reports nothing more when it is closed, and leaves nothing unless servers outlive it'(
    recorder,
    options,
  ) {
    recorder.provider.launch(1)
    await recorder.ready(1)
    recorder.provider.launch(1)
    if (options.outlives) await recorder.ready(2)
    await recorder.provider.close()
    const before = recorder.reports.length
    await recorder.quiet()
    expect(recorder.reports.length === before, 'nothing is reported after close', recorder)
    const next = new Recorder(options)
    await next.provider.start?.()
    await next.quiet()
    await next.provider.close()
    const found = next.refs('ready').sort().join()
    const left = options.outlives ? recorder.refs('ready').sort().join() : ''
    expect(found === left, `the next provider finds "${left}", not "${found}"`, next)
  },
}

/**
 * The rules that every provider keeps, free of any test framework: hand each to your own as a test.
 * @example for (const { name, run } of providerChecks({ provider })) test(name, run)
 */
export function providerChecks(options: ProviderCheckOptions): ProviderCheck[] {
  requireKnown('', options, KEYS)
  return Object.entries(RULES).map(([name, rule]) => ({
    name,
    async run() {
      const recorder = new Recorder(options)
      try {
        await recorder.provider.start?.()
        await rule(recorder, options)
      } finally {
        await recorder.provider.close()
        await options.reset?.()
      }
    },
  }))
}
