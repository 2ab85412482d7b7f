import { describe, expect, test } from 'bun:test'
import { applyEvent, type ChatState, NO_CHAT } from '../../../src/contract/chat-state.ts'
import type { Chat, Message } from '../../../src/contract/chats.ts'
import type { ChatEvent } from '../../../src/contract/events.ts'

// That the state is the right one after any events is in log.property.test.ts: here is what no server sends.

const chat_id = Bun.randomUUIDv7()
const at = '2026-01-31T12:00:00.000Z'
const chat: Chat = {
  id: chat_id,
  title: 'Talk',
  user_id: null,
  active_branch_id: chat_id,
  last_seq: 7,
  metadata: {},
  created_at: at,
  updated_at: at,
  archived_at: null,
  deleted_at: null,
}
const state: ChatState = { ...NO_CHAT, chat }
const renamed = (seq: number): ChatEvent => ({
  chat_id,
  seq,
  at,
  type: 'chat.updated',
  data: { title: `Title ${seq}` },
})

describe('the state of a chat', () => {
  test('takes an event once: the same again changes nothing', () => {
    const once = applyEvent(state, renamed(8))
    expect(once.chat).toMatchObject({ title: 'Title 8', last_seq: 8 })
    expect(applyEvent(once, renamed(8))).toBe(once)
    expect(applyEvent(once, renamed(3))).toBe(once)
  })

  test('takes no event that leaves a hole', () => {
    expect(() => applyEvent(state, renamed(9))).toThrow(RangeError)
    expect(() => applyEvent(NO_CHAT, renamed(2))).toThrow(RangeError)
  })

  test('is left as it was: an event makes a new one', () => {
    const before = structuredClone(state)
    applyEvent(state, renamed(8))
    expect(state).toEqual(before)
  })

  test('an event about a message or branch that the reader did not load moves the cursor alone', () => {
    const message_id = Bun.randomUUIDv7()
    const user_id = Bun.randomUUIDv7()
    const changes: Pick<ChatEvent, 'type' | 'data'>[] = [
      { type: 'message.edited', data: { message_id, content: 'x', edited_at: at } },
      { type: 'message.deleted', data: { message_id, deleted_at: at } },
      { type: 'reaction.added', data: { message_id, user_id, reaction_type: 'like', created_at: at } },
      { type: 'reaction.removed', data: { message_id, user_id, reaction_type: 'like' } },
      { type: 'branch.renamed', data: { branch_id: message_id, name: 'x' } },
    ]
    for (const change of changes) {
      // Each entry is one whole variant of the union, which spreading it hides.
      const event = { chat_id, seq: 8, at, ...change } as ChatEvent
      expect(applyEvent(state, event)).toEqual({ ...state, chat: { ...chat, last_seq: 8 } })
    }
  })

  test('a message that was not written when it was logged keeps its own time', () => {
    const created_at = '2020-01-01T00:00:00.000Z'
    const said: Omit<Extract<ChatEvent, { type: 'message.created' }>['data'], 'created_at'> = {
      id: Bun.randomUUIDv7(),
      chat_id,
      branch_id: chat_id,
      position: 1,
      message_type: 'user',
      sender_type: 'user',
      sender_id: null,
      content: 'Imported',
      status: 'completed',
      metadata: {},
      client_id: null,
    }
    const event = { chat_id, seq: 8, at, type: 'message.created' as const }
    const timesOf = ({ messages }: ChatState) => {
      const message: Message | undefined = messages[said.id]
      return message && { created_at: message.created_at, updated_at: message.updated_at }
    }
    expect(timesOf(applyEvent(state, { ...event, data: said }))).toEqual({ created_at: at, updated_at: at })
    const imported = applyEvent(state, { ...event, data: { ...said, created_at } })
    expect(timesOf(imported)).toEqual({ created_at, updated_at: created_at })
  })
})
