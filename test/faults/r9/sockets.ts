import type { Client } from '../rig/client.ts'

/** A socket that waits for its end. */
export type Waiting = {
  /** The first frame is there. */
  opened: Promise<void>
  /** The code that it was closed with, and the last frame. */
  closed: Promise<{ code: number; last: string }>
}

/** A socket that sends one frame, where one is given, and listens. */
export function openSocket({ headers }: Client, address: string, path: string, frame?: object): Waiting {
  // Bun's own option, which the DOM's type does not know.
  const socket = new WebSocket(`${address.replace('http', 'ws')}${path}`, { headers } as unknown as string[])
  const opened = Promise.withResolvers<void>()
  let last = ''
  if (frame !== undefined) socket.addEventListener('open', () => socket.send(JSON.stringify(frame)))
  socket.addEventListener('message', ({ data }) => {
    last = String(data)
    opened.resolve()
  })
  const closed = new Promise<{ code: number; last: string }>((resolve) => {
    socket.addEventListener('close', ({ code }) => {
      opened.reject(new Error(`${path} was closed with ${code}`))
      resolve({ code, last })
    })
  })
  return { opened: opened.promise, closed }
}

/** A stream of Server-Sent Events. Resolves once it has begun; `ended` tells whether it ended whole. */
export async function openStream(
  { headers }: Client,
  address: string,
  path: string,
): Promise<{ ended: Promise<boolean> }> {
  const response = await fetch(`${address}${path}`, { headers: { ...headers, accept: 'text/event-stream' } })
  const reader = response.body?.getReader()
  if (!response.ok || reader === undefined) throw new Error(`${path}: ${response.status}`)
  await reader.read()
  const readOn = async () => {
    try {
      while (!(await reader.read()).done);
      return true
    } catch {
      return false
    }
  }
  return { ended: readOn() }
}
