import { expect, it } from 'vitest'
import { startMetadata } from '../../../../test/support/aws/metadata.ts'
import { watchNotices } from './notices.ts'

const SLOW = { timeout: 60_000, interval: 100 }

it('reports each notice once, outlives a metadata service that is away, and ends', async () => {
  const metadata = await startMetadata()
  const notices: string[] = []
  const problems: string[] = []
  const abort = new AbortController()
  const ended = watchNotices({
    signal: abort.signal,
    endpoint: metadata.endpoint('i-1'),
    onNotice: (reason) => notices.push(reason),
    onProblem: (reason) => problems.push(reason),
  })
  try {
    metadata.put('i-2', 'spot/instance-action', { action: 'stop', time: 'never' })
    metadata.put('i-1', 'events/recommendations/rebalance', { noticeTime: 'noon' })
    await expect
      .poll(() => notices, SLOW)
      .toEqual(['AWS has recommended since noon to replace this instance'])
    metadata.forgetTokens()
    await expect.poll(() => problems.length, SLOW).toBe(1)
    expect(problems[0]).toContain('HTTP 401')
    metadata.put('i-1', 'spot/instance-action', { action: 'terminate', time: 'two' })
    await expect.poll(() => notices.slice(1), SLOW).toEqual(['AWS will terminate this spot instance at two'])
    metadata.close()
    await expect.poll(() => problems.length, SLOW).toBe(2)
    expect(problems[1]).toContain('ECONNREFUSED')
  } finally {
    abort.abort()
    metadata.close()
  }
  await ended
  expect(notices.length).toBe(2)
})
