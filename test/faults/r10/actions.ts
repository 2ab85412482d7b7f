import type { ChatState } from '../../../src/contract/chat-state.ts'
import type { Client } from '../rig/client.ts'

const KEYS = ['like', 'dislike', '🎉']

type Action = { path: string; body?: object; method?: string }

/** Something that a client may ask of a chat that it knows in part: not all of it can be done. */
export function anyAction(state: ChatState): Action[] {
  const message = `/messages/${any(Object.keys(state.messages)) ?? crypto.randomUUID()}`
  const branch_id = any(Object.keys(state.branches)) ?? crypto.randomUUID()
  const text = `said ${crypto.randomUUID()}`
  const reaction = `${message}/reactions/${encodeURIComponent(any(KEYS) ?? 'like')}`
  const actions: Action[][] = [
    [{ path: '/messages', body: { content: text } }],
    [{ path: '/messages', body: { content: text, branch_id } }],
    [{ path: message, method: 'PATCH', body: { content: text } }],
    [{ path: message, method: 'DELETE' }],
    [{ path: reaction, method: 'PUT' }],
    [{ path: reaction, method: 'DELETE' }],
    [{ path: `${message}/branches`, body: { name: text } }],
    [{ path: `${message}/divergence`, body: { content: text } }],
    [{ path: '/active-branch', method: 'PUT', body: { branch_id } }],
    [{ path: `/branches/${branch_id}`, method: 'PATCH', body: { name: text } }],
    [{ path: '/read-cursor', method: 'PUT', body: { message_id: message.slice('/messages/'.length) } }],
    [{ path: '', method: 'PATCH', body: { title: text, metadata: { text } } }],
    [
      {
        path: '/answering',
        method: 'PATCH',
        body: { system_prompt: text, history_messages: Math.floor(Math.random() * 50) },
      },
    ],
    [
      { path: '', method: 'PATCH', body: { archived: true } },
      { path: '', method: 'PATCH', body: { archived: false } },
    ],
    [
      { path: '', method: 'DELETE' },
      { path: '/restore', method: 'POST' },
    ],
  ]
  // What makes messages comes more often than the rest.
  return (Math.random() < 0.4 ? actions[0] : any(actions)) ?? []
}

/** Resolves to how many were done, refused, and what was wrong. */
export async function perform(client: Client, chatId: string, actions: readonly Action[]) {
  let done = 0
  let refused = 0
  const faults: string[] = []
  for (const { path, body, method } of actions) {
    const asked = { path: `/api/chats/${chatId}${path}`, body, ...(method === undefined ? {} : { method }) }
    const answer = await client.once(asked)
    if (answer === undefined || answer.status >= 500) faults.push(`${method} ${path}: ${JSON.stringify(answer)}`)
    else if (answer.status < 300) done += 1
    else refused += 1
  }
  return { done, refused, faults }
}

function any<T>(among: readonly T[]): T | undefined {
  return among[Math.floor(Math.random() * among.length)]
}
