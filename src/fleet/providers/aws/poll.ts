import { pause } from '../../../base/pause.ts'
import type { AutoScalingGroup, GroupView } from './group.ts'
import { MAX_BACKOFF_SECONDS } from './retry.ts'

interface PollOptions {
  /** Seconds between two looks. */
  readonly seconds: number
  readonly signal: AbortSignal
  readonly onView: (view: GroupView) => void
  readonly onProblem: (reason: string) => void
}

/** Looks at a group until the signal aborts, less often while that fails; reports each launch of the group that failed, once. */
export async function pollGroup(group: AutoScalingGroup, options: PollOptions): Promise<void> {
  const { seconds, signal, onView, onProblem } = options
  let reported = new Set<string>()
  let wait = seconds
  while (!signal.aborted) {
    await pause(wait * 1000, signal)
    if (signal.aborted) return
    try {
      const view = await group.describe()
      if (signal.aborted) return
      wait = seconds
      if (view) onView(view)
      else onProblem(`the Auto Scaling Group ${group.name} is gone`)
      if (!view || view.instances.length >= view.desired) continue
      const failed = await group.failedActivities()
      for (const { id, reason } of failed) if (!reported.has(id)) onProblem(`a launch failed: ${reason}`)
      reported = new Set(failed.map(({ id }) => id))
    } catch (error) {
      // Not seen is not gone: everything is kept as it was.
      onProblem(`cannot look at the group: ${(error as Error).message}`)
      wait = Math.min(wait * 2, MAX_BACKOFF_SECONDS)
    }
  }
}
