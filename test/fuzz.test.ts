import { expect, it } from 'vitest'
import { startChat } from './support/chat.ts'
import { fuzz } from './support/fuzz.ts'

it('Q3, C6: survives mutated requests; others notice nothing', async () => {
  const chat = await startChat()
  const { frames, bystander, closeCodes } = await fuzz(chat.url, 3000, 'fuzz')
  expect(frames).toBeGreaterThanOrEqual(3000)
  expect(bystander).toMatchObject({ delivered: bystander.acked, inOrder: true })
  expect(
    Object.keys(closeCodes).filter((code) => !['1005', '1006', '4400', '4401', '4529'].includes(code)),
  ).toEqual([])
  expect(chat.servers[0]!.stats.failures).toBe(0)
  await expect.poll(() => chat.servers[0]!.stats.connections).toBe(0)
  await chat.close()
})
