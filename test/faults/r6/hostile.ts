import { z } from 'zod'
import type { Client } from '../rig/client.ts'
import { RawSocket } from '../rig/raw-socket.ts'

const SESSION = '/v1/chat/sessions'
/** A socket that is not closed for it would be closed by this much. */
const FLOOD = 20_000
const Sent = z.object({ id: z.string(), message: z.object({ content: z.string(), position: z.int() }) })
const Said = z.object({ type: z.literal('message.created'), message: z.object({ content: z.string() }) })

/** Sends frames much faster than posts are committed: the socket is closed with 4429. */
export async function floodFaults(client: Client, chatId: string): Promise<string[]> {
  const socket = await RawSocket.open(await client.deployment.address(), '/api/live', client.headers, () => {})
  const frame = JSON.stringify({ type: 'post', id: 'flood', chat_id: chatId, content: 'flood' })
  socket.send(...Array.from({ length: FLOOD }, () => frame))
  const code = await client.deployment.within(socket.closed)
  return code === 4429 ? [] : [`a flooding socket was closed with ${code}`]
}

/** Sends so many frames at once, on both kinds of socket: they are handled in the order in which they came. */
export async function orderFaults(client: Client, chatId: string, frames: number): Promise<string[]> {
  const faults: string[] = []
  const expected = Array.from({ length: frames }, (_, number) => `frame ${number}`)
  const acks = await exchange(client, '/api/live', '"ack"', expected, (content, index) => ({
    type: 'post',
    id: String(index),
    chat_id: chatId,
    content,
  }))
  const posted = acks.map((text) => Sent.parse(JSON.parse(text)))
  if (posted.map(({ id }) => id).join() !== expected.map((_, index) => index).join()) faults.push('acks out of order')
  if (posted.some(({ message }, index) => message.content !== expected[index])) faults.push('posts out of order')
  if (
    posted.some(
      ({ message }, index) => index > 0 && message.position !== (posted[index - 1]?.message.position ?? 0) + 1,
    )
  )
    faults.push('positions out of order')
  const told = await exchange(client, `${SESSION}/order/ws`, '"message.created"', expected, (content) => ({
    role: 'user',
    content,
  }))
  const said = told.map((text) => Said.parse(JSON.parse(text)).message.content)
  if (said.join() !== expected.join()) faults.push('session messages out of order')
  return faults
}

/** Sends the frames at once; resolves to as many answers that have the mark. */
async function exchange(
  client: Client,
  path: string,
  mark: string,
  contents: readonly string[],
  frame: (content: string, index: number) => object,
): Promise<string[]> {
  const answers: string[] = []
  const all = Promise.withResolvers<void>()
  const hear = (text: string) => {
    if (text.includes(mark)) answers.push(text)
    if (answers.length === contents.length) all.resolve()
  }
  const socket = await RawSocket.open(await client.deployment.address(), path, client.headers, hear)
  void socket.closed.then((code) => all.reject(new Error(`${path} was closed with ${code}`)))
  socket.send(...contents.map((content, index) => JSON.stringify(frame(content, index))))
  await client.deployment.within(all.promise)
  socket.destroy()
  return answers
}
