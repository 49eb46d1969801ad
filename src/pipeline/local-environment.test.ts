import { describe, expect, it } from 'vitest'
import { virtualClock } from '../base/clock.ts'
import { BatchFunction, MapFunction, type OperatorContext, SinkFunction } from './functions.ts'
import { LocalEnvironment } from './local-environment.ts'

const calls: string[] = []

class Count extends BatchFunction<{ time: number; n: number }> {
  #n = 0
  readonly #to: number
  constructor(options: { to?: number } = {}) {
    super()
    this.#to = options.to ?? 3
  }
  override open(): void {
    calls.push('open source')
  }
  override close(): void {
    calls.push('close source')
  }
  execute() {
    return this.#n < this.#to ? { time: this.#n, n: this.#n++ } : undefined
  }
}

class Double extends MapFunction<{ n: number }, { n: number; twice: number }> {
  readonly #failAt: number
  constructor(options: { failAt?: number } = {}) {
    super()
    this.#failAt = options.failAt ?? -1
  }
  override open(): void {
    calls.push('open map')
  }
  override close(): void {
    calls.push('close map')
  }
  execute({ n }: { n: number }) {
    if (n === this.#failAt) throw new Error(`cannot double ${n}`)
    return { n, twice: 2 * n }
  }
}

class Keep extends SinkFunction<{ twice: number }, { kept: number[]; times: number[] }> {
  readonly #kept: number[] = []
  readonly #times: number[] = []
  #context!: OperatorContext
  override open(context: OperatorContext): void {
    this.#context = context
    calls.push('open sink')
  }
  override close(): void {
    calls.push('close sink')
  }
  execute({ twice }: { twice: number }): void {
    this.#kept.push(twice)
    this.#times.push(this.#context.clock.now())
  }
  result() {
    return { kept: this.#kept, times: this.#times }
  }
}

class Sum extends SinkFunction<{ twice: number }, { sum: number }> {
  #sum = 0
  execute({ twice }: { twice: number }): void {
    this.#sum += twice
  }
  result() {
    return { sum: this.#sum }
  }
}

const lifecycle = ['open source', 'open map', 'open sink', 'close source', 'close map', 'close sink']

describe('LocalEnvironment', () => {
  it('gives every item to every sink, at its own time, and merges their results with types', async () => {
    calls.length = 0
    const result = await new LocalEnvironment('test', { seed: 7 })
      .fromBatch(Count, { to: 4 })
      .map(Double)
      .sink(Keep, Sum)
      .submit({ autostop: true })
    expect(result.kept).toEqual([0, 2, 4, 6])
    expect(result.times).toEqual([0, 1, 2, 3])
    expect(result.sum).toBe(12)
    expect(result.seed).toBe(7)
    expect(result.interrupted).toBe(false)
    expect(calls).toEqual(lifecycle)
  })

  it('takes operators that were made already', async () => {
    const result = await new LocalEnvironment('test')
      .fromBatch(new Count({ to: 2 }))
      .map(new Double())
      .sink(new Sum())
      .submit()
    expect(result.sum).toBe(2)
  })

  it('closes every operator once, in order, when one throws, and says which pipeline failed', async () => {
    calls.length = 0
    const run = new LocalEnvironment('failing')
      .fromBatch(Count)
      .map(Double, { failAt: 1 })
      .sink(Keep)
      .submit()
    await expect(run).rejects.toMatchObject({
      code: 'OPERATOR_FAILED',
      message: 'pipeline failing: cannot double 1',
    })
    expect(calls).toEqual(lifecycle)
  })

  it('closes in order on abort and gives the result so far', async () => {
    calls.length = 0
    const abort = new AbortController()
    setTimeout(() => abort.abort(), 50)
    const result = await new LocalEnvironment('paced', { clock: virtualClock({ pace: 100 }) })
      .fromBatch(Count, { to: 1e9 })
      .map(Double)
      .sink(Keep)
      .submit({ signal: abort.signal })
    expect(result.interrupted).toBe(true)
    expect(result.kept.length).toBeGreaterThan(0)
    expect(result.kept.length).toBeLessThan(100)
    expect(calls).toEqual(lifecycle)
  })

  it('stays open after the source ended when autostop is off, until the signal', async () => {
    const abort = new AbortController()
    const env = new LocalEnvironment('open')
    const run = env.fromBatch(Count).map(Double).sink(Sum).submit({ autostop: false, signal: abort.signal })
    const first = await Promise.race([run, new Promise((resolve) => setTimeout(resolve, 30, 'still open'))])
    expect(first).toBe('still open')
    abort.abort()
    expect((await run).sum).toBe(6)
  })

  it('rejects pipelines that cannot run', async () => {
    const env = new LocalEnvironment('rejected')
    expect(() => env.fromBatch(Count).sink()).toThrow(/at least one sink/)
    const pipeline = env.fromBatch(Count).map(Double).sink(Sum)
    await expect(pipeline.submit({ autostop: false })).rejects.toThrow(/needs a signal/)
    await pipeline.submit()
    await expect(pipeline.submit()).rejects.toThrow(/submitted already/)
  })

  it('gives each operator the same fleet and a random stream of its own', async () => {
    const contexts: OperatorContext[] = []
    class Remember extends MapFunction<{ n: number }, { n: number }> {
      override open(context: OperatorContext): void {
        contexts.push(context)
      }
      execute(item: { n: number }) {
        return item
      }
    }
    await new LocalEnvironment('shared')
      .fromBatch(Count)
      .map(Remember)
      .map(Remember)
      .map(Double)
      .sink(Sum)
      .submit()
    expect(contexts[0]!.fleet).toBe(contexts[1]!.fleet)
    expect(contexts[0]!.rng.next()).not.toBe(contexts[1]!.rng.next())
  })
})
