import { Duplex } from 'node:stream'

/** Two ends of one line in memory. */
export function streamPair(): [Duplex, Duplex] {
  const make = (other: () => Duplex) =>
    new Duplex({
      read() {},
      write(chunk, _encoding, done) {
        other().push(Buffer.from(chunk))
        done()
      },
      final(done) {
        other().push(null)
        done()
      },
    })
  const a: Duplex = make(() => b)
  const b: Duplex = make(() => a)
  return [a, b]
}
