import { invalidInput } from '../../../base/errors.ts'
import { type KeysOf, requireKnown } from '../../../base/known-keys.ts'
import { pause } from '../../../base/pause.ts'
import type { Provider, ProviderFactory, ServerHooks, ServerLifecycle, ServerRef } from '../../provider.ts'
import { DesiredCapacity, STALE_SECONDS } from './desired-capacity.ts'
import { AutoScalingGroup, type GroupInstance, type GroupView, isTransient, type NewGroup } from './group.ts'

export interface AwsOptions extends ServerHooks {
  /** The Auto Scaling Group whose instances are the servers. */
  group: string
  /** Default: AWS_REGION, or that of the profile. */
  region?: string | undefined
  /** What the instances must be; a group of others is refused. */
  instanceType?: string | undefined
  /** Creates the group if it does not exist; default: that is an error. */
  create?: Omit<NewGroup, 'instanceType'> | undefined
  /** Seconds between two looks at the group; default 10. AWS throttles those who look more often. */
  pollSeconds?: number | undefined
  /** Seconds between two heartbeats of a lifecycle hook that holds an instance; default 30. */
  heartbeatSeconds?: number | undefined
}

const KEYS: KeysOf<AwsOptions> = {
  group: true,
  region: true,
  instanceType: true,
  create: true,
  pollSeconds: true,
  heartbeatSeconds: true,
  empty: true,
  restore: true,
  serves: true,
}

const DEFAULT_POLL_SECONDS = 10
const MAX_BACKOFF_SECONDS = 60
const RETRY_MS = 1000
/** After so long in service an instance that does not serve is reported. */
const SERVES_SECONDS = 120

interface KnownInstance {
  state: 'starting' | 'ready' | 'draining'
  /** Whether it counts in the desired capacity: not when it is leaving, killed or ended. */
  counts: boolean
  killed: boolean
  /** When it was last listed. */
  seenAt: number
  /** Whether a check that it serves is under way. */
  checking: boolean
  /** When it was first found in service without serving; `Infinity` once that was reported. */
  idleSince: number | undefined
}

/**
 * The instances of an Auto Scaling Group. Its desired capacity is only ever raised; a chosen instance is drained and then
 * terminated with a decrement. What AWS ends of its own accord (spot interruptions, rebalancing, refreshes) is drained while a
 * lifecycle hook holds it, where the group has one.
 */
export function awsProvider(options: AwsOptions): ProviderFactory {
  requireKnown('', options, KEYS)
  return (lifecycle) => new AwsProvider(options, lifecycle)
}

class AwsProvider implements Provider {
  readonly name = 'aws'
  readonly replacesFailed = true
  readonly #options: AwsOptions
  readonly #group: AutoScalingGroup
  readonly #lifecycle: ServerLifecycle
  readonly #abort = new AbortController()
  readonly #known = new Map<ServerRef, KnownInstance>()
  /** Instances that are gone: an older look may still list them. */
  readonly #gone = new Map<ServerRef, number>()
  readonly #tasks = new Set<Promise<void>>()
  #hooks: string[] = []
  #reported = new Set<string>()
  /** Instances that were emptied, and those that a hook of the group holds. */
  readonly #emptied = new Set<ServerRef>()
  readonly #holding = new Set<ServerRef>()
  readonly #capacity: DesiredCapacity
  #started = false

  constructor(options: AwsOptions, lifecycle: ServerLifecycle) {
    this.#options = options
    this.#lifecycle = lifecycle
    this.#group = new AutoScalingGroup(options.group, options.region)
    this.#capacity = new DesiredCapacity({
      signal: this.#abort.signal,
      setDesired: (count) => {
        const what = `cannot raise the desired capacity to ${count}`
        return this.#retry(what, () => this.#group.setDesired(count))
      },
      problem: (reason) => this.#problem(reason),
      onChange: () => this.#report(),
    })
  }

  async start(): Promise<void> {
    const { group, create, instanceType } = this.#options
    await this.#group.open()
    let view: GroupView | undefined
    try {
      view = await this.#group.describe()
      if (view || !create) this.#hooks = await this.#group.terminatingHooks()
      else view = await this.#group.create({ ...create, instanceType })
    } catch (error) {
      throw invalidInput(
        'aws',
        (error as Error).message,
        'credentials, a region and the rights of docs/aws.md',
      )
    }
    if (!view) throw invalidInput('group', `no Auto Scaling Group ${group}`, 'one that exists')
    const { instanceTypes } = view
    if (instanceType !== undefined && instanceTypes.length > 0 && !instanceTypes.includes(instanceType)) {
      throw invalidInput(
        'instanceType',
        `the instances of ${group} are not ${instanceType}`,
        instanceTypes.join(', '),
      )
    }
    this.#apply(view)
    this.#started = true
    this.#run(this.#poll())
  }

  launch(count: number): void {
    this.#run(this.#capacity.change(count))
  }

  cancel(count: number): void {
    this.#run(this.#capacity.change(-count))
  }

  drain(ref: ServerRef): void {
    const instance = this.#known.get(ref)
    if (!instance || instance.state === 'draining') return
    const wasReady = instance.state === 'ready'
    instance.state = 'draining'
    this.#run(this.#remove(ref, instance, wasReady))
  }

  kill(ref: ServerRef): void {
    const instance = this.#known.get(ref)
    if (!instance || instance.killed) return
    instance.killed = true
    instance.counts = false
    const end = this.#terminate(ref, false).then((done) => {
      if (done) this.#end(ref, instance)
    })
    this.#run(end)
  }

  async close(): Promise<void> {
    this.#abort.abort()
    await Promise.all(this.#tasks)
    this.#group.close()
  }

  #run(task: Promise<void> | undefined): void {
    if (!task) return
    this.#tasks.add(task)
    void task.finally(() => this.#tasks.delete(task))
  }

  #problem(reason: string): void {
    if (!this.#abort.signal.aborted) this.#lifecycle.problem(reason)
  }

  /** Makes a call until it succeeds, later and later, unless AWS refuses it for good. Resolves whether it did. */
  async #retry(what: string, call: () => Promise<void>): Promise<boolean> {
    const { signal } = this.#abort
    for (let wait = RETRY_MS; !signal.aborted; wait = Math.min(wait * 2, MAX_BACKOFF_SECONDS * 1000)) {
      try {
        await call()
        return true
      } catch (error) {
        this.#problem(`${what}: ${(error as Error).message}`)
        if (!isTransient(error)) return false
        await pause(wait * (0.5 + Math.random() / 2), signal)
      }
    }
    return false
  }

  async #poll(): Promise<void> {
    const { pollSeconds = DEFAULT_POLL_SECONDS } = this.#options
    const { signal } = this.#abort
    let wait = pollSeconds
    while (!signal.aborted) {
      await pause(wait * 1000, signal)
      if (signal.aborted) return
      try {
        const view = await this.#group.describe()
        if (signal.aborted) return
        wait = pollSeconds
        if (view) this.#apply(view)
        else this.#problem(`the Auto Scaling Group ${this.#options.group} is gone`)
        if (view && view.instances.length < view.desired) await this.#reportFailures()
      } catch (error) {
        // Not seen is not gone: everything is kept as it was.
        this.#problem(`cannot look at the group: ${(error as Error).message}`)
        wait = Math.min(wait * 2, MAX_BACKOFF_SECONDS)
      }
    }
  }

  /** Reports each failed launch once. */
  async #reportFailures(): Promise<void> {
    const failed = await this.#group.failedActivities()
    for (const { id, reason } of failed) {
      if (!this.#reported.has(id)) this.#problem(`a launch failed: ${reason}`)
    }
    this.#reported = new Set(failed.map(({ id }) => id))
  }

  #apply(view: GroupView): void {
    const now = performance.now()
    this.#capacity.saw(view)
    for (const instance of view.instances) this.#follow(instance, now)
    const listed = new Set(view.instances.map(({ id }) => id))
    for (const [id, known] of [...this.#known]) {
      // One that was just seen may be missing from an older look.
      const { pollSeconds = DEFAULT_POLL_SECONDS } = this.#options
      const silence = known.state === 'draining' ? 0 : 1500 * pollSeconds
      if (!listed.has(id) && now - known.seenAt > silence) this.#end(id, known)
    }
    for (const [id, at] of this.#gone) if (now - at > 10_000 * STALE_SECONDS) this.#gone.delete(id)
    this.#protect(view)
    this.#report()
  }

  /** Keeps AWS from choosing among the instances that serve. */
  #protect({ instances }: GroupView): void {
    const open = instances.filter(({ id, state, protectedFromScaleIn }) => {
      return state === 'InService' && !protectedFromScaleIn && this.#known.get(id)?.state === 'ready'
    })
    if (open.length === 0) return
    const protect = this.#group
      .protect(open.map(({ id }) => id))
      .catch((error: Error) => this.#problem(`cannot protect instances: ${error.message}`))
    this.#run(protect)
  }

  /** Reports how many instances are on their way. */
  #report(): void {
    if (this.#abort.signal.aborted) return
    const there = [...this.#known.values()].filter(({ counts }) => counts).length
    this.#lifecycle.coming(Math.max(0, this.#capacity.count - there))
  }

  #follow({ id, state, healthy }: GroupInstance, now: number): void {
    if (this.#gone.has(id) || state.startsWith('Warmed')) return
    const leaving = !healthy || /^(Terminat|Detach|EnteringStandby|Standby)/.test(state)
    const known = this.#known.get(id) ?? this.#adopt(id, leaving)
    if (!known) return
    known.seenAt = now
    if (known.killed) return
    if (leaving) this.#leave(id, known, state === 'Terminating:Wait')
    else if (known.state === 'starting' && state === 'InService') this.#checkServing(id, known)
  }

  #adopt(id: ServerRef, leaving: boolean): KnownInstance | undefined {
    if (leaving && this.#started) return undefined
    const known: KnownInstance = {
      state: 'starting',
      counts: true,
      killed: false,
      seenAt: 0,
      checking: false,
      idleSince: undefined,
    }
    this.#known.set(id, known)
    if (!leaving && this.#capacity.isSurplus()) {
      known.state = 'draining'
      this.#run(this.#remove(id, known, false))
    } else this.#lifecycle.starting(id)
    return known
  }

  #checkServing(id: ServerRef, known: KnownInstance): void {
    if (known.checking) return
    known.checking = true
    const { serves = async () => true } = this.#options
    const check = serves(id, this.#abort.signal)
      .catch(() => false)
      .then((ready) => {
        known.checking = false
        if (known.state !== 'starting' || this.#abort.signal.aborted) return
        if (!ready) {
          this.#reportIdle(id, known)
          return
        }
        known.state = 'ready'
        this.#lifecycle.ready(id)
      })
    this.#run(check)
  }

  /** Reports once an instance that runs, but whose server is not known by its id. */
  #reportIdle(id: ServerRef, known: KnownInstance): void {
    const now = performance.now()
    known.idleSince ??= now
    if (now - known.idleSince < SERVES_SECONDS * 1000) return
    known.idleSince = Number.POSITIVE_INFINITY
    this.#problem(`${id} is in service for ${SERVES_SECONDS} s and no server reports by this name (--ref)`)
  }

  /** AWS ends an instance of its own accord: it is drained for as long as a hook holds it. */
  #leave(id: ServerRef, known: KnownInstance, held: boolean): void {
    known.counts = false
    if (known.state !== 'draining') {
      known.state = 'draining'
      this.#lifecycle.draining(id)
    }
    if (held && !this.#holding.has(id)) {
      this.#holding.add(id)
      this.#run(this.#release(id))
    }
  }

  /** Empties an instance that a hook holds, asking for time until it is empty, then lets it end. */
  async #release(id: ServerRef): Promise<void> {
    const { signal } = this.#abort
    const { heartbeatSeconds = 30 } = this.#options
    const beat = () => {
      for (const hook of this.#hooks) {
        this.#group
          .heartbeat(hook, id)
          .catch((error: Error) => this.#problem(`cannot hold ${id}: ${error.message}`))
      }
    }
    const timer = setInterval(beat, heartbeatSeconds * 1000)
    try {
      if (!this.#emptied.has(id)) await this.#options.empty?.(id, signal)
    } catch (error) {
      this.#problem(`cannot drain ${id}: ${(error as Error).message}`)
    } finally {
      clearInterval(timer)
    }
    if (signal.aborted) return // the next controller continues
    for (const hook of this.#hooks) {
      await this.#retry(`cannot let ${id} end`, () => this.#group.complete(hook, id))
    }
  }

  #end(id: ServerRef, known: KnownInstance): void {
    if (!this.#known.delete(id)) return
    this.#gone.set(id, performance.now())
    this.#emptied.delete(id)
    this.#holding.delete(id)
    if (this.#abort.signal.aborted) return
    if (known.killed) this.#lifecycle.failed(id, 'killed')
    else if (known.state === 'draining') this.#lifecycle.stopped(id)
    else this.#lifecycle.failed(id, 'the instance is gone')
    this.#report()
  }

  /** Drains a chosen instance and ends it, with the desired capacity lower by one. */
  async #remove(id: ServerRef, known: KnownInstance, wasReady: boolean): Promise<void> {
    const { signal } = this.#abort
    try {
      if (wasReady) await this.#options.empty?.(id, signal)
    } catch (error) {
      this.#problem(`cannot drain ${id}: ${(error as Error).message}`)
    }
    if (signal.aborted || this.#known.get(id) !== known || !known.counts) return
    this.#emptied.add(id)
    if (await this.#terminate(id, true)) {
      known.counts = false
      this.#capacity.lowered()
      this.#report()
      return
    }
    if (signal.aborted || this.#known.get(id) !== known || !known.counts) return
    this.#options.restore?.(id)
    this.#emptied.delete(id)
    known.state = wasReady ? 'ready' : 'starting'
    this.#lifecycle.starting(id)
    if (wasReady) this.#lifecycle.ready(id)
  }

  /** Ends an instance once, though the answer to a first try may have been lost. Resolves whether it ends. */
  async #terminate(id: ServerRef, decrement: boolean): Promise<boolean> {
    let tried = false
    return this.#retry(`cannot end ${id}`, async () => {
      if (tried) {
        const instance = (await this.#group.describe())?.instances.find((each) => each.id === id)
        if (!instance || instance.state.startsWith('Terminat')) return
      }
      tried = true
      await this.#group.terminate(id, decrement)
    })
  }
}
