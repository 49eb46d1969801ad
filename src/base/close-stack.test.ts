import { expect, test } from 'vitest'
import { CloseStack } from './close-stack.ts'

test('closes in reverse, each once', async () => {
  const closed: string[] = []
  const stack = new CloseStack()
  const file = stack.use({ name: 'file', close: () => closed.push('file') })
  stack.defer(async () => closed.push('server'))
  expect(file.name).toBe('file')
  await stack.close()
  await stack.close()
  expect(closed).toEqual(['server', 'file'])
})

test('closes the rest, too, when one fails, and throws its error', async () => {
  const closed: string[] = []
  const stack = new CloseStack()
  stack.defer(() => closed.push('file'))
  stack.defer(() => {
    throw new Error('disk full')
  })
  stack.defer(() => Promise.reject(new Error('connection lost')))
  await expect(stack.close()).rejects.toThrow('connection lost')
  expect(closed).toEqual(['file'])
})
