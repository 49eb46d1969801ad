import type { ProviderFactory, ServerRef } from '../fleet/provider.ts'

/** A provider that does nothing once this process does not lead: it may have stood still and not know it yet. */
export function guardedProvider(factory: ProviderFactory, leads: () => boolean): ProviderFactory {
  return (lifecycle) => {
    const provider = factory(lifecycle)
    const whileLeading =
      <A extends unknown[]>(act: (...args: A) => void) =>
      (...args: A) =>
        leads() ? act(...args) : undefined
    return {
      name: provider.name,
      ...(provider.replacesFailed !== undefined && { replacesFailed: provider.replacesFailed }),
      ...(provider.start && { start: () => provider.start!() }),
      launch: whileLeading((count: number, options?: { initial?: boolean }) =>
        provider.launch(count, options),
      ),
      cancel: whileLeading((count: number) => provider.cancel(count)),
      drain: whileLeading((ref: ServerRef) => provider.drain(ref)),
      kill: whileLeading((ref: ServerRef) => provider.kill(ref)),
      close: () => provider.close(),
    }
  }
}
