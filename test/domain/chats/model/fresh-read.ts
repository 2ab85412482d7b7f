import { expect } from 'bun:test'
import { Answering, toldAnswering } from '../../../../src/contract/answering.ts'
import type { Message } from '../../../../src/contract/chats.ts'
import type { Actor } from '../../../../src/domain/accounts/actor.ts'
import type { ChatWorld } from '../../../support/chats.ts'
import type { Actors } from './calls.ts'
import type { ChatModel } from './chat-model.ts'

/** Reads everything that there is of a chat through the services, and expects it to be what the model has. */
export async function expectFreshReadEquals(
  world: ChatWorld,
  actors: Actors,
  model: ChatModel,
  limits: readonly number[],
): Promise<void> {
  const { chat, state } = model
  const { owner } = actors
  expect(await world.chats.get(owner, chat.id)).toEqual(chat)
  expect(toldAnswering(Answering.parse(await world.answering.get(owner, chat.id)))).toEqual(state.answering)
  const branches = await world.branches.list(owner, chat.id)
  expect(Object.fromEntries(branches.map((branch) => [branch.id, branch]))).toEqual(state.branches)
  expect(branches[0]?.id).toBe(chat.id)
  for (const [index, { id }] of branches.entries()) {
    const walk = WALKS[index % WALKS.length]
    const history = model.history(id)
    expect(await world.messages.page(owner, chat.id, id, { from: 'end', limit: 1000 })).toEqual(history)
    const limit = limits[index % limits.length] ?? 1
    expect(await walk?.(world, owner, { chatId: chat.id, branchId: id, limit, length: history.length })).toEqual(
      history,
    )
  }
  for (const [index, message] of Object.values(state.messages).entries()) {
    const siblings = model.siblings(message)
    if (siblings.length > 1 || index % 5 === 0) {
      expect(await world.branches.siblings(owner, chat.id, message.id)).toEqual(siblings)
    }
    const said = message.deleted_at === null ? (model.edits.get(message.id) ?? []) : []
    if (message.edited_at === null) continue
    expect((await world.messages.edits(owner, chat.id, message.id)).map(({ content }) => content)).toEqual(said)
  }
  for (const actor of [owner, actors.admin]) {
    if (actor.kind !== 'account') continue
    expect(await world.messages.readCursor(actor, chat.id)).toEqual(state.read_cursors[actor.accountId])
  }
  const [rows] = await world.database.sql`SELECT
    (SELECT count(*)::int FROM messages WHERE chat_id = ${chat.id}) AS messages,
    (SELECT count(*)::int FROM branches WHERE chat_id = ${chat.id}) AS branches,
    (SELECT count(*)::int FROM read_cursors WHERE chat_id = ${chat.id}) AS cursors`
  expect(rows).toEqual({
    messages: Object.keys(state.messages).length,
    branches: branches.length,
    cursors: Object.keys(state.read_cursors).length,
  })
}

type Walk = (
  world: ChatWorld,
  actor: Actor,
  of: { chatId: string; branchId: string; limit: number; length: number },
) => Promise<Message[]>

/** The ways to read a whole history page by page. */
const WALKS: readonly Walk[] = [
  async ({ messages }, actor, { chatId, branchId, limit }) => {
    let page = await messages.page(actor, chatId, branchId, { from: 'end', limit })
    const read = [...page]
    while (page.length === limit) {
      page = await messages.page(actor, chatId, branchId, { from: 'before', position: read[0]?.position ?? 1, limit })
      read.unshift(...page)
    }
    return read
  },
  async ({ messages }, actor, { chatId, branchId, limit }) => {
    const read: Message[] = []
    for (let full = true; full; ) {
      const page = await messages.page(actor, chatId, branchId, { from: 'after', position: read.length, limit })
      read.push(...page)
      full = page.length === limit
    }
    return read
  },
  async ({ messages }, actor, { chatId, branchId, limit, length }) => {
    const read = new Map<number, Message>()
    for (let position = 0; position <= length + 1; position += 1 + Math.floor((limit - 1) / 2)) {
      const page = await messages.page(actor, chatId, branchId, { from: 'around', position, limit })
      for (const message of page) read.set(message.position, message)
      const middle = position >= 1 && position <= length
      expect(page.some((message) => message.position === position)).toBe(middle)
    }
    return [...read.values()].sort((one, other) => one.position - other.position)
  },
]
