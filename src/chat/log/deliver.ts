/** Calls a listener with what a broker has for it: one that throws harms no other, and not the connection. */
export function deliver(listener: (text: string) => void, topic: string, text: string): void {
  try {
    listener(text)
  } catch (fault) {
    console.error(`broker: a message on ${topic} could not be handled: ${String(fault)}`)
  }
}
