import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Writable } from 'node:stream'
import { type AccessEntry, accessEntry } from '../http/access-log.ts'
import type { Session } from './session/session.ts'

/** The request that a connection of the chat began with. */
export type EnteringRequest = Pick<IncomingMessage, 'headers' | 'method' | 'url'>

export type Transport = 'websocket' | 'sse'

/** The connection that an answer is written to. */
export const socketOf = (output: Writable): object =>
  ('socket' in output && (output.socket as Socket | null)) || output

/** Begins the entry of a connection in the access log. @returns what to call when the connection has ended */
export function accessOfConnection(
  onAccess: (entry: AccessEntry) => void,
  server: number,
  transport: Transport,
  request: EnteringRequest,
  ip: string,
  socket: object,
): (session: Session, code: number) => void {
  const began = performance.now()
  // Of a connection that other requests came on, too.
  const { bytesRead: readBefore = 0, bytesWritten: writtenBefore = 0 } = socket as Partial<Socket>
  return ({ lastUser: user }, code) => {
    const { bytesRead = 0, bytesWritten = 0 } = socket as Partial<Socket>
    onAccess(
      accessEntry(ip, request, {
        status: transport === 'websocket' ? 101 : 200,
        transport,
        server,
        user,
        code,
        durationMs: Math.round(performance.now() - began),
        bytesIn: bytesRead - readBefore,
        bytesOut: bytesWritten - writtenBefore,
      }),
    )
  }
}
