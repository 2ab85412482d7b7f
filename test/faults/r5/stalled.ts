import { LiveServerFrame } from '../../../src/contract/live.ts'
import type { Client } from '../rig/client.ts'
import { RawSocket } from '../rig/raw-socket.ts'

/**
 * Begins to read a long chat from its first event, stops, and reads on once `meanwhile` is done, that makes the log forget
 * what comes next. Resolves to what is wrong, a line each.
 */
export async function stalledFaults(
  client: Client,
  chatId: string,
  last: number,
  meanwhile: () => Promise<void>,
): Promise<string[]> {
  const faults: string[] = []
  const reached = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  let cursor = 0
  let snapshots = 0
  const hear = (text: string) => {
    const frame = LiveServerFrame.parse(JSON.parse(text))
    if ('at' in frame) {
      if (frame.seq !== cursor + 1) faults.push(`event ${frame.seq} came after ${cursor}`)
      cursor = frame.seq
      if (cursor === 10) begun.resolve()
    } else if (frame.type === 'watching' && !frame.recovered) {
      snapshots += 1
      cursor = frame.seq
    } else if (frame.type === 'bye') reached.reject(new Error(`bye ${frame.code}`))
    if (cursor >= last) reached.resolve()
  }
  const socket = await RawSocket.open(await client.deployment.address(), '/api/live', client.headers, hear)
  socket.send(JSON.stringify({ type: 'watch', id: '1', chat_id: chatId, after: 0 }))
  await client.deployment.within(begun.promise)
  socket.pause()
  await meanwhile()
  socket.resume()
  await client.deployment.within(reached.promise)
  socket.destroy()
  if (snapshots !== 1) faults.push(`a reader that was stalled got ${snapshots} snapshots`)
  return faults
}
