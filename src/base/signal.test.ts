import { expect, it } from 'vitest'
import { Signal } from './signal.ts'

it('calls every listener, also after one threw or rejected', async () => {
  const errors: unknown[] = []
  const signal = new Signal<number>((error) => errors.push(error))
  const seen: number[] = []
  signal.subscribe(() => {
    throw 'thrown'
  })
  signal.subscribe((): unknown => Promise.reject('rejected'))
  signal.subscribe((value) => seen.push(value))
  signal.subscribe((value) => seen.push(value * 10))
  signal.emit(1)
  await new Promise(setImmediate)
  expect(seen).toEqual([1, 10])
  expect(errors).toEqual(['thrown', 'rejected'])
})

it('keeps each subscription of its own, and unsubscribes only that one', () => {
  const signal = new Signal<string>()
  const seen: string[] = []
  const listener = (value: string) => seen.push(value)
  const first = signal.subscribe(listener)
  signal.subscribe(listener)
  signal.emit('a')
  first()
  first()
  signal.emit('b')
  expect([seen, signal.size]).toEqual([['a', 'a', 'b'], 1])
})

it('lets a listener unsubscribe itself and others while it is called', () => {
  const signal = new Signal<number>()
  const seen: string[] = []
  const off = signal.subscribe(() => {
    seen.push('first')
    off()
  })
  signal.subscribe(() => seen.push('second'))
  signal.emit(1)
  signal.emit(2)
  expect(seen).toEqual(['first', 'second', 'second'])
})
