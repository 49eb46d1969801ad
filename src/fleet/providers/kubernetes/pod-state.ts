import { failureWords } from '../../failure-words.ts'
import type { Pod } from './objects.ts'

/** What a pod is to a fleet. */
export type PodState =
  | { readonly state: 'starting' | 'ready' | 'leaving' }
  | { readonly state: 'failed'; readonly reason: string }

/** Reasons for a waiting container that do not go away without a change. */
const FATAL_WAITS = new Set([
  'CrashLoopBackOff',
  'ImagePullBackOff',
  'ErrImagePull',
  'InvalidImageName',
  'CreateContainerConfigError',
  'CreateContainerError',
])

export function isReady({ status }: Pod): boolean {
  return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
}

/** Maps a pod's phase, conditions and containers to the state of a server. */
export function podState(pod: Pod): PodState {
  const { status } = pod
  if (pod.metadata.deletionTimestamp) return { state: 'leaving' }
  if (status?.phase === 'Failed' || status?.phase === 'Succeeded') {
    const { reason = status.phase, message } = status
    return { state: 'failed', reason: message ? `${reason}: ${message}` : reason }
  }
  const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]
  for (const { name, state, lastState } of containers) {
    const { reason = '', message } = state?.waiting ?? {}
    if (!FATAL_WAITS.has(reason)) continue
    const last = lastState?.terminated
    const why = message ?? (last ? `${last.reason ?? 'exited'}, status ${last.exitCode}` : '')
    return { state: 'failed', reason: `${reason} (container ${name})${why && `: ${why}`}` }
  }
  return { state: isReady(pod) ? 'ready' : 'starting' }
}

/** Why a pod is not ready, as far as it reports. */
export function notReadyReason({ status }: Pod): string {
  const condition = status?.conditions?.find(({ type }) => type === 'Ready')
  return condition?.message ?? condition?.reason ?? failureWords.say('noReason')
}

/** Whether a pod is one of its set's replicas: it runs or will run. */
export function isLive({ metadata, status }: Pod): boolean {
  return !metadata.deletionTimestamp && status?.phase !== 'Failed' && status?.phase !== 'Succeeded'
}

/** Whether a pod has readiness gate `type`, and whether it is open. */
export function gateOf({ spec, status }: Pod, type: string): 'none' | 'open' | 'closed' {
  if (!spec?.readinessGates?.some(({ conditionType }) => conditionType === type)) return 'none'
  return status?.conditions?.some((each) => each.type === type && each.status === 'True') ? 'open' : 'closed'
}
