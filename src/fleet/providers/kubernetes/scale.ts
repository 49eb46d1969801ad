import { type KubeApi, KubeError } from './api.ts'
import type { Scale } from './objects.ts'

/** Tries in a row that may lose against another writer. */
const MAX_CONFLICTS = 20

/**
 * Changes a Deployment's number of replicas by `delta`, relative to what it is at that moment: the write fails when anything
 * changed since the read, and is tried again.
 * @returns the Deployment's scale as it is then
 * @throws {KubeError} when the API server cannot be reached or rejects the call
 */
export async function changeReplicas(api: KubeApi, path: string, delta: number): Promise<Scale> {
  /** A write whose answer was lost: it may have been carried out. */
  let unsure: { version: string | undefined; to: number } | undefined
  for (let conflicts = 0; ; ) {
    const scale = await api.get<Scale>(path)
    const version = scale.metadata.resourceVersion
    const from = scale.spec.replicas ?? 0
    if (unsure && version !== unsure.version && from === unsure.to) return scale
    const to = Math.max(0, from + delta)
    if (to === from) return scale
    try {
      const patch = { metadata: { resourceVersion: version }, spec: { replicas: to } }
      unsure = { version, to }
      return await api.patch<Scale>(path, patch)
    } catch (error) {
      if (!(error instanceof KubeError) || conflicts++ >= MAX_CONFLICTS) throw error
      if (error.status === 409) unsure = undefined
      else if (error.status !== 0) throw error
    }
  }
}
