import { invalidInput } from '../../../base/errors.ts'
import { type KeysOf, requireKnown } from '../../../base/known-keys.ts'
import { failureWords } from '../../failure-words.ts'
import type { Provider, ProviderFactory, ServerHooks, ServerLifecycle, ServerRef } from '../../provider.ts'
import { DesiredCapacity, STALE_SECONDS } from './desired-capacity.ts'
import { AutoScalingGroup, type GroupInstance, type GroupView, type NewGroup } from './group.ts'
import { InstanceRemoval, type KnownInstance } from './instance-removal.ts'
import { pollGroup } from './poll.ts'
import { retryUntil } from './retry.ts'

/** Options of the provider `aws`. */
export interface AwsOptions extends ServerHooks {
  /** The Auto Scaling Group whose instances are the servers. */
  group: string
  /** Default: AWS_REGION, or that of the profile. */
  region?: string | undefined
  /** What the instances must be; a group of others is rejected. */
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

export const DEFAULT_POLL_SECONDS = 10
/** After so long in service an instance that does not serve is reported. */
const SERVES_SECONDS = 120

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
  readonly #capacity: DesiredCapacity
  readonly #removal: InstanceRemoval
  readonly #pollSeconds: number
  /** Lifecycle hooks that hold an instance before it ends. */
  #hooks: readonly string[] = []
  #started = false

  constructor(options: AwsOptions, lifecycle: ServerLifecycle) {
    this.#options = options
    this.#lifecycle = lifecycle
    const { pollSeconds = DEFAULT_POLL_SECONDS, heartbeatSeconds = 30 } = options
    this.#pollSeconds = pollSeconds
    const group = new AutoScalingGroup(options.group, options.region)
    this.#group = group
    const { signal } = this.#abort
    const onProblem = (reason: string) => this.#problem(reason)
    const retry = retryUntil(signal, onProblem)
    this.#capacity = new DesiredCapacity({
      signal,
      setDesired: (count) =>
        retry(`cannot raise the desired capacity to ${count}`, () => group.setDesired(count)),
      problem: onProblem,
      onChange: () => this.#report(),
    })
    this.#removal = new InstanceRemoval({
      known: this.#known,
      group,
      retry,
      hooks: options,
      heartbeatSeconds,
      signal,
      onRemoved: () => {
        this.#capacity.lowered()
        this.#report()
      },
      onTakenBack: (ref, instance, wasReady) => this.#takeBack(ref, instance, wasReady),
      onProblem,
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
    const poll = pollGroup(this.#group, {
      seconds: this.#pollSeconds,
      signal: this.#abort.signal,
      onView: (seen) => this.#apply(seen),
      onProblem: (reason) => this.#problem(reason),
    })
    this.#run(poll)
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
    this.#run(this.#removal.remove(ref, instance, wasReady))
  }

  kill(ref: ServerRef): void {
    const instance = this.#known.get(ref)
    if (!instance || instance.killed) return
    instance.killed = true
    instance.counts = false
    const end = this.#removal.terminate(ref, false).then((done) => {
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

  #apply(view: GroupView): void {
    const now = performance.now()
    this.#capacity.saw(view)
    for (const instance of view.instances) this.#follow(instance, now)
    const listed = new Set(view.instances.map(({ id }) => id))
    for (const [id, known] of [...this.#known]) {
      // One that was just seen may be missing from an older look.
      const silence = known.state === 'draining' ? 0 : 1500 * this.#pollSeconds
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
      this.#run(this.#removal.remove(id, known, false))
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
    if (held) this.#run(this.#removal.release(id, this.#hooks))
  }

  #end(id: ServerRef, known: KnownInstance): void {
    if (!this.#known.delete(id)) return
    this.#gone.set(id, performance.now())
    this.#removal.forget(id)
    if (this.#abort.signal.aborted) return
    if (known.killed) this.#lifecycle.failed(id, failureWords.say('killed'))
    else if (known.state === 'draining') this.#lifecycle.stopped(id)
    else this.#lifecycle.failed(id, failureWords.say('instanceGone'))
    this.#report()
  }

  /** The instance was to end and is there to stay. */
  #takeBack(id: ServerRef, known: KnownInstance, wasReady: boolean): void {
    known.state = wasReady ? 'ready' : 'starting'
    this.#lifecycle.starting(id)
    if (wasReady) this.#lifecycle.ready(id)
  }
}
