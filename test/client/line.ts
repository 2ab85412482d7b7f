import { connect, createServer, type Socket } from 'node:net'

/** A network between a client and a server that a test can break. */
export interface Line {
  /** Of the server, by way of this line. */
  url: string
  /** Breaks every connection off; new ones are let through. */
  cut(): void
  /** Breaks every connection off, and every new one before `mend`. */
  down(): void
  mend(): void
  /** Nothing that the server says arrives any more on the connections that are open. */
  deafen(): void
  close(): void
}

export async function openLine(to: string): Promise<Line> {
  const { hostname, port } = new URL(to)
  const open = new Set<{ client: Socket; server: Socket; deaf: boolean }>()
  let isDown = false
  const listener = createServer((client) => {
    if (isDown) {
      client.destroy()
      return
    }
    const pair = { client, server: connect(Number(port), hostname), deaf: false }
    open.add(pair)
    const end = () => {
      open.delete(pair)
      pair.client.destroy()
      pair.server.destroy()
    }
    for (const socket of [pair.client, pair.server]) socket.on('close', end).on('error', end)
    client.on('data', (bytes) => pair.server.write(bytes))
    pair.server.on('data', (bytes) => pair.deaf || client.write(bytes))
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const address = listener.address()
  if (address === null || typeof address === 'string') throw new Error('The line has no port.')
  const cut = () => {
    for (const { client, server } of open) {
      client.destroy()
      server.destroy()
    }
  }
  return {
    url: `http://127.0.0.1:${address.port}`,
    cut,
    down() {
      isDown = true
      cut()
    },
    mend() {
      isDown = false
    },
    deafen() {
      for (const pair of open) pair.deaf = true
    },
    close() {
      cut()
      listener.close()
    },
  }
}
