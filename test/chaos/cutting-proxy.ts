import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

interface Pair {
  readonly near: Socket
  readonly far: Socket
  frozen?: boolean
}

/** A TCP proxy before a fleet that breaks connections as networks do. `port` is asked at each connection. */
export class CuttingProxy {
  readonly #pairs = new Set<Pair>()
  readonly #server = createServer((near) => this.#connect(near))
  readonly #target: () => number

  constructor(target: () => number) {
    this.#target = target
  }

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return (this.#server.address() as AddressInfo).port
  }

  #connect(near: Socket): void {
    const far = connect(this.#target(), '127.0.0.1')
    const pair = { near, far }
    this.#pairs.add(pair)
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.setNoDelay(true)
      one.on('error', () => {})
      one.on('close', () => {
        this.#pairs.delete(pair)
        other.destroy()
      })
      one.pipe(other)
    }
  }

  /** Resets every connection. */
  reset(): void {
    for (const { near, far } of this.#pairs) {
      near.resetAndDestroy()
      far.resetAndDestroy()
    }
  }

  /** Passes nothing more in either direction for this share of the connections, and closes none of them. */
  freeze(share: number): void {
    let n = 0
    for (const pair of this.#pairs) {
      if (n++ % Math.round(1 / share) !== 0) continue
      pair.frozen = true
      for (const socket of [pair.near, pair.far]) socket.unpipe().pause()
    }
  }

  /** Resets the frozen connections that neither side has given up yet. */
  thaw(): void {
    for (const { near, far, frozen } of this.#pairs) {
      if (!frozen) continue
      near.resetAndDestroy()
      far.resetAndDestroy()
    }
  }

  close(): void {
    this.reset()
    this.#server.close()
  }
}
