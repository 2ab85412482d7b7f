import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { Answering, toldAnswering } from '../../../src/contract/answering.ts'
import { HistoryPage } from '../../../src/contract/chat-calls.ts'
import type { ChatState } from '../../../src/contract/chat-state.ts'
import { Branch, Chat, type Message } from '../../../src/contract/chats.ts'
import { SNAPSHOT_MESSAGES_MAX } from '../../../src/contract/live.ts'
import type { Client } from '../rig/client.ts'
import { byId, Replica } from './replica.ts'

/** All of a chat, read afresh by REST. */
export async function fetchChat(client: Client, chatId: string) {
  const get = async (path: string) => (await client.ask({ path: `/api/chats/${chatId}${path}` })).answer
  const chat = Chat.parse(await get(''))
  const answering = toldAnswering(Answering.parse(await get('/answering')))
  const branches = z.array(Branch).parse(await get('/branches'))
  const messages: Record<string, Message> = {}
  let active: Message[] = []
  for (const { id } of branches) {
    const history: Message[] = []
    for (let after: number | null = 0; after !== null; ) {
      const page: HistoryPage = HistoryPage.parse(await get(`/branches/${id}/messages?after=${after}&limit=200`))
      history.push(...page.items)
      after = page.next
    }
    Object.assign(messages, byId(history))
    if (id === chat.active_branch_id) active = history
  }
  return { chat, answering, branches: byId(branches), messages, active }
}

export type Fresh = Awaited<ReturnType<typeof fetchChat>>

/** What of a state is not as it is read afresh, a line each. `whole`: the state has all that there is. */
export function differences(state: ChatState, fresh: Fresh, whole: boolean): string[] {
  const faults: string[] = []
  const compare = (name: string, one: unknown, other: unknown) => {
    if (isDeepStrictEqual(one, other)) return
    faults.push(`${name}: ${JSON.stringify(one)} is not ${JSON.stringify(other)}`)
  }
  compare('the chat', state.chat, fresh.chat)
  compare('the answering', state.answering, fresh.answering)
  for (const kind of ['branches', 'messages'] as const) {
    for (const [id, one] of Object.entries(state[kind])) compare(`${kind} ${id}`, one, fresh[kind][id])
    if (whole) compare(`the ${kind}`, Object.keys(state[kind]).sort(), Object.keys(fresh[kind]).sort())
  }
  return faults
}

/** The same of a new watcher's snapshot. */
export async function snapshotDifferences(client: Client, chatId: string, fresh: Fresh, known: ChatState) {
  const replica = new Replica(client, chatId)
  await client.deployment.within(replica.reader.watches())
  replica.reader.end()
  const faults = differences(replica.state, fresh, false)
  const ids = replica.reader.snapshot?.messages.map(({ id }) => id).join()
  const newest = fresh.active.slice(-SNAPSHOT_MESSAGES_MAX).map(({ id }) => id)
  if (ids !== newest.join()) faults.push('a snapshot has not the newest messages')
  if (!isDeepStrictEqual(replica.state.read_cursors, known.read_cursors)) faults.push('read cursors differ')
  return faults
}
