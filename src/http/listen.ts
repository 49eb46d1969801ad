import type { Server } from 'node:net'
import { ConcertinaError, requireNumber } from '../base/errors.ts'

/** Host and port as an address has them: an IPv6 host in brackets. */
export function hostAndPort(host: string, port: number): string {
  return `${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`
}

/**
 * Begins to listen; 0 takes any free port.
 * @returns the port
 * @throws {ConcertinaError} ADDRESS_UNAVAILABLE, or INVALID_INPUT for a value that is not a port.
 */
export async function listen(server: Server, host: string, port: number): Promise<number> {
  requireNumber('port', port, { min: 0, max: 65_535, integer: true })
  return new Promise((resolve, reject) => {
    const onError = ({ code }: NodeJS.ErrnoException) =>
      reject(
        new ConcertinaError(
          'ADDRESS_UNAVAILABLE',
          `${hostAndPort(host, port)}: cannot listen there (${code})`,
          {
            hint: 'a free port, or 0 for any; an address of this machine',
          },
        ),
      )
    server.once('error', onError)
    server.listen({ port, host: host.replace(/^\[(.*)\]$/, '$1'), backlog: 4096 }, () => {
      server.off('error', onError)
      resolve((server.address() as { port: number }).port)
    })
  })
}
