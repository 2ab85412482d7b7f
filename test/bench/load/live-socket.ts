import { randomBytes } from 'node:crypto'
import type { Socket } from 'bun'
import { fail } from './order.ts'

/** A plain connection to a live socket: what comes in goes to `receive`, once for each chunk. */
export async function openLive<Data extends { receive(chunk: Buffer): number }>(
  { port, headers }: { port: number; headers: Record<string, string> },
  data: Data,
  hooks: { onChunk: (socket: Socket<Data>, own: number) => void; isStopped: () => boolean },
): Promise<Socket<Data>> {
  const told = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return Bun.connect<Data>({
    hostname: '127.0.0.1',
    port,
    data,
    socket: {
      open: (socket) => {
        socket.write(
          `GET /api/live HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nupgrade: websocket\r\nconnection: upgrade\r\n` +
            `sec-websocket-version: 13\r\nsec-websocket-key: ${randomBytes(16).toString('base64')}\r\n${told.join('')}\r\n`,
        )
      },
      data: (socket, chunk) => hooks.onChunk(socket, data.receive(chunk)),
      close: () => {
        if (!hooks.isStopped()) fail('The server closed a socket.')
      },
      error: (_, error) => {
        fail(`A socket failed: ${error.message}`)
      },
    },
  })
}

/** The answer to a ping without a payload: a client that gives none is taken for gone. */
export const PONG = Buffer.from([0x8a, 0x80, 0, 0, 0, 0])

/** A masked frame of the client's; the mask is zero, so that the text may be changed in place. */
export function clientFrame(value: object): Buffer {
  const body = Buffer.from(JSON.stringify(value))
  const head =
    body.length < 126
      ? Buffer.from([0x81, 0x80 | body.length, 0, 0, 0, 0])
      : Buffer.from([0x81, 0x80 | 126, body.length >> 8, body.length & 0xff, 0, 0, 0, 0])
  return Buffer.concat([head, body])
}
