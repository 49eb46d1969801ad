import { expect, it } from 'vitest'
import { kubeBinaries } from './support/kube/binaries.ts'
import { compareWithHpa, randomCases, startHpaController } from './support/kube/hpa-oracle.ts'

const bin = kubeBinaries()

it.skipIf(!bin)(
  'the policy hpa decides as the controller of Kubernetes does, at every sync',
  { timeout: 180_000 },
  async () => {
    const plane = await startHpaController(bin!)
    try {
      const syncs = await compareWithHpa(plane, randomCases(24, 'test'), 192)
      const different = syncs.filter(({ real, ours }) => real !== ours)
      expect(different).toEqual([])
      expect(syncs.filter(({ real, replicas }) => real > replicas).length).toBeGreaterThan(3)
      expect(syncs.filter(({ real, replicas }) => real < replicas).length).toBeGreaterThan(3)
      expect(syncs.filter(({ states }) => /[pm]/.test(states)).length).toBeGreaterThan(20)
    } finally {
      await plane.close()
    }
  },
)
