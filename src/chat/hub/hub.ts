import type { Duplex } from 'node:stream'
import { type LogEntry, LogOverloaded, type RoomLog } from '../log/room-log.ts'
import { PresenceTracker } from '../rooms/presence.ts'
import type { FromHub, ToHub } from './hub-protocol.ts'
import { LineStream } from './line-stream.ts'

interface HubPeer {
  readonly server: number
  readonly lines: LineStream
  readonly rooms: Set<string>
}

/** Where the chat servers of a fleet meet: it passes their appends to the room log, and what was appended to all of them. */
export class Hub {
  readonly #log: RoomLog
  readonly #links = new Set<HubPeer>()
  /** By room: who hears of it. */
  readonly #hearers = new Map<string, Set<HubPeer>>()
  readonly #presence = new PresenceTracker((room, line) => this.#tell(room, line))

  constructor(log: RoomLog) {
    this.#log = log
  }

  /** Serves a chat server at the other end of `stream` until the stream closes. */
  attach(stream: Duplex, server: number): void {
    const link: HubPeer = {
      server,
      rooms: new Set(),
      lines: new LineStream(
        stream,
        (line) => this.#take(link, JSON.parse(line.toString()) as ToHub),
        () => this.#detach(link),
      ),
    }
    this.#links.add(link)
    this.#say(link, ['hello', this.#log.epoch, this.#log.durability])
  }

  async close(): Promise<void> {
    this.#presence.close()
    for (const { lines } of this.#links) lines.close()
    await this.#log.close()
  }

  #say(link: HubPeer, line: FromHub): void {
    link.lines.write(JSON.stringify(line))
  }

  #refuse(link: HubPeer, request: number, error: Error): void {
    const retryMs = error instanceof LogOverloaded ? error.retryMs : undefined
    this.#say(link, ['refused', request, error.message, retryMs])
  }

  #tell(room: string, line: string | Buffer): void {
    for (const link of this.#hearers.get(room) ?? []) link.lines.write(line)
  }

  #take(link: HubPeer, line: ToHub): void {
    switch (line[0]) {
      case 'append': {
        const [, request, message] = line
        this.#log.append(message).then(
          ({ seq, duplicate }) => this.#say(link, ['appended', request, seq, duplicate]),
          (error: Error) => this.#refuse(link, request, error),
        )
        return
      }
      case 'read':
      case 'readBefore': {
        const [kind, request, room, place, limit] = line
        this.#log[kind](room, place, limit).then(
          ({ first, head, entries }) => {
            const page = entries.map(({ seq, prevSeq, payload }): [number, number, string] => [
              seq,
              prevSeq,
              payload.toString(),
            ])
            this.#say(link, ['page', request, first, head, page])
          },
          (error: Error) => this.#refuse(link, request, error),
        )
        return
      }
      case 'subscribe':
        void this.#subscribe(link, line[1], line[2])
        return
      case 'unsubscribe':
        link.rooms.delete(line[1])
        this.#unhear(link, line[1])
        return
      case 'here':
        this.#presence.here(link.server, line[1], line[2])
        return
      case 'gone':
        this.#presence.gone(link.server, line[1], line[2])
        return
      case 'typing':
        this.#tell(line[1], JSON.stringify({ type: 'typing', room: line[1], user: line[2] }))
    }
  }

  /** The link hears of the room before the range is read, so nothing falls between the two. */
  async #subscribe(link: HubPeer, request: number, room: string): Promise<void> {
    link.rooms.add(room)
    const hearers = this.#hearers.get(room)
    if (hearers) hearers.add(link)
    else this.#hearers.set(room, new Set([link]))
    try {
      if (!hearers) await this.#log.subscribe(room, this.#appended)
      const { first, head } = await this.#log.read(room, Number.MAX_SAFE_INTEGER, 0)
      this.#say(link, ['subscribed', request, first, head, this.#presence.roster(room)])
    } catch (error) {
      this.#refuse(link, request, error as Error)
    }
  }

  readonly #appended = (room: string, { payload }: LogEntry): void => this.#tell(room, payload)

  #unhear(link: HubPeer, room: string): void {
    const hearers = this.#hearers.get(room)
    if (!hearers?.delete(link) || hearers.size > 0) return
    this.#hearers.delete(room)
    this.#log.unsubscribe(room)
  }

  #detach(link: HubPeer): void {
    this.#links.delete(link)
    for (const room of link.rooms) this.#unhear(link, room)
    this.#presence.serverGone(link.server)
  }
}
