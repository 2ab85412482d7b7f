import { createTRPCClient, httpBatchLink } from '@trpc/client'
import { FAILURES, historyIn, NewSessionMessage } from '../../../client/src/contract.ts'
import { createClient, openLive, ParleyError, unwrap, watchSession } from '../../../client/src/index.ts'
import type { Router } from '../../../client/src/trpc.ts'

// What someone writes who has installed the package: run by packed.test.ts, in a project of its own.

/** Everything that can be done to a session of the server at `url`, in one line each. */
export async function tour(url: string): Promise<string[]> {
  const told: string[] = []
  const client = createClient(url, { token: async () => 'secret', headers: { 'x-request-id': 'consumer-1' } })
  const { messages } = client.v1.chat.sessions({ session_id: 'tour' })

  const watch = watchSession(url, 'tour', { WebSocket, retries: 1 })
  for await (const frame of watch) {
    if (frame.type === 'session.sync') {
      told.push(`sync ${frame.session.messages.length}`)
      await messages.post(NewSessionMessage.parse({ role: 'user', content: 'Hello' }))
    } else if (frame.type === 'message.created') {
      told.push(`created ${frame.message.content}`)
      break
    }
  }

  const { data, error } = await messages.post({ role: 'user', content: '' })
  if (error?.value.reason === 'invalid') told.push(`invalid ${error.value.detail[0]?.loc.join('.')}`)
  else if (data) told.push(data.messages.map(({ content }) => content).join())

  const failure = await unwrap(messages.post({ role: 'user', content: '' })).catch((thrown: unknown) => thrown)
  if (failure instanceof ParleyError && failure.reason === 'invalid') told.push(`${FAILURES[failure.reason].status}`)

  const page = await unwrap(client.v1.chat.sessions.get({ query: { limit: 10 } }))
  told.push(`listed ${page.map(({ session_id, message_count }) => `${session_id} ${message_count}`).join()}`)

  const trpc = createTRPCClient<Router>({ links: [httpBatchLink({ url: `${url}/trpc` })] })
  const read = await trpc.sessions.get.query({ session_id: 'tour' })
  told.push(`read ${read.messages[0]?.content}`)

  await client.v1.chat.sessions({ session_id: 'tour' }).delete()
  return told
}

/** What a page does with the live socket of the server at `url`. */
export async function liveTour(url: string, token: string): Promise<string[]> {
  const told: string[] = []
  const client = createClient(url, { token })
  const { id } = await unwrap(client.api.chats.post({ title: 'Tour' }))
  const live = openLive(url, { token: async () => token, WebSocket })

  const chat = live.chat(id)
  const kept = new Promise<string>((resolve) => {
    chat.subscribe(() => {
      const [message] = historyIn(chat.getSnapshot().state)
      if (message !== undefined) resolve(`kept ${message.content}`)
    })
  })
  for await (const item of live.watch(id)) {
    if (item.type === 'watching') {
      told.push(`watching ${item.recovered ? 'again' : item.snapshot.chat.last_seq}`)
      const message = await live.post(id, { content: 'Hello' })
      told.push(`posted ${message.content}`)
    } else if (item.type === 'message.created') {
      told.push(`message.created ${item.data.content}`)
      break
    }
  }
  told.push(await kept)
  const failure = await live.post(crypto.randomUUID(), { content: 'Hello' }).catch((thrown: unknown) => thrown)
  if (failure instanceof ParleyError) told.push(`refused ${failure.reason}`)
  live.close()
  return told
}

/** Never called: what must not compile. */
export function mistakes(url: string): void {
  const client = createClient(url)
  const session = client.v1.chat.sessions({ session_id: 'a' })
  // @ts-expect-error: no such role
  void session.messages.post({ role: 'robot', content: 'Hello' })
  // @ts-expect-error: no content
  void session.messages.post({ role: 'user' })
  // @ts-expect-error: a number
  void client.v1.chat.sessions.get({ query: { limit: 'ten' } })
  // @ts-expect-error: no query here
  void session.messages.get({ query: { limit: 10 } })
  // @ts-expect-error: no such route
  void client.v1.chat.rooms
  // @ts-expect-error: no such type of message
  watchSession(url, 'a').send({ role: 'robot', content: 'Hello' })
  // @ts-expect-error: a token is needed
  const live = openLive(url, {})
  // @ts-expect-error: no content
  void live.post('a', {})
  // @ts-expect-error: a number
  live.watch('a', { after: '3' })
}
