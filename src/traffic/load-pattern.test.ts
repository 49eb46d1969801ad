import { expect, it } from 'vitest'
import { runSimulation } from '../simulation/run.ts'
import { createPattern } from './patterns.ts'

it.each([[undefined], ['poisson' as const]])(
  'a load of too many users is rejected before it begins, with arrivals %s',
  async (arrivals) => {
    const ticks: number[] = []
    const run = runSimulation({
      pattern: createPattern({ kind: 'spike', base: 5, peak: 1e9, at: 50, width: 5, duration: 60 }),
      traffic: { arrivals },
      onTick: ({ time }) => ticks.push(time),
    })
    await expect(run).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(/^pattern: .* has 1000000000 users at 50 s$/),
      hint: expect.stringContaining('at most 1000000 at a time'),
    })
    expect(ticks).toEqual([])
  },
)

it('users who are too many from one time on are rejected then, when nobody could know it before', async () => {
  let users = 5
  const run = runSimulation({
    pattern: { users: () => users, duration: 60, description: 'whim' },
    onTick: ({ time }) => {
      if (time >= 10) users = 1e9
    },
  })
  await expect(run).rejects.toThrow(/whim has 1000000000 users at 1[01] s/)
})
