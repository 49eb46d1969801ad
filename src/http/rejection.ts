/** What an HTTP request is told that gets no WebSocket; the connection ends with it. */
export function httpRejection(status: string): string {
  return `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`
}
