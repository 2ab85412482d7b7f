import { expect } from 'bun:test'
import { applyEvent, type ChatState, NO_CHAT } from '../../../../src/contract/chat-state.ts'
import type { Chat, Message } from '../../../../src/contract/chats.ts'
import { ChatEvent } from '../../../../src/contract/events.ts'
import { eventText } from '../../../../src/domain/chats/log.ts'
import type { LoggedEvent } from '../../../../src/domain/chats/log-store.ts'

/** What a chat is, by its events alone: the state that any client builds, and histories kept in the plainest way. */
export class ChatModel {
  state: ChatState = NO_CHAT
  /** Every branch's whole history, as ids: copied where a branch is made. */
  readonly lines = new Map<string, string[]>()
  /** What each message said before, oldest first. */
  readonly edits = new Map<string, string[]>()
  /** What was first said under each client_id. */
  readonly said = new Map<string, Message>()
  readonly events: ChatEvent[] = []
  readonly #clients = new Map<number, string>()
  #tokens = 0

  get chat(): Chat {
    if (this.state.chat === null) throw new Error('The chat has no events yet.')
    return this.state.chat
  }

  /** A word that is part of no other. */
  newToken(): string {
    this.#tokens += 1
    return `<${this.#tokens}>`
  }

  clientId(number: number): string {
    const id = this.#clients.get(number) ?? crypto.randomUUID()
    this.#clients.set(number, id)
    return id
  }

  apply(logged: LoggedEvent): ChatEvent {
    const event = ChatEvent.parse(JSON.parse(eventText(logged)))
    expect(event.seq).toBe(this.events.length + 1)
    const before = this.state
    this.state = applyEvent(before, event)
    this.events.push(event)
    switch (event.type) {
      case 'branch.created': {
        const { id, parent_branch_id, fork_position } = event.data
        const parent = parent_branch_id === null ? [] : this.#line(parent_branch_id)
        expect(fork_position).toBeLessThanOrEqual(parent.length)
        this.lines.set(id, parent.slice(0, fork_position))
        break
      }
      case 'message.created': {
        const { id, branch_id, position, client_id } = event.data
        expect(this.#line(branch_id).push(id)).toBe(position)
        const message = this.state.messages[id]
        if (client_id === null || message === undefined) break
        expect(this.said.has(client_id)).toBe(false)
        this.said.set(client_id, message)
        break
      }
      case 'message.edited': {
        const { message_id } = event.data
        const earlier = this.edits.get(message_id) ?? []
        this.edits.set(message_id, [...earlier, before.messages[message_id]?.content ?? ''])
        break
      }
    }
    return event
  }

  /** The messages of a branch's history, oldest first. */
  history(branchId: string): Message[] {
    return this.#line(branchId).flatMap((id) => this.state.messages[id] ?? [])
  }

  /** All that was said in a message's place: in any history that is the same before it. */
  siblings({ id, position, branch_id }: Message): Message[] {
    const before = this.#line(branch_id).slice(0, position - 1)
    const found = new Map<string, Message>()
    for (const line of this.lines.values()) {
      const message = this.state.messages[line[position - 1] ?? '']
      if (message !== undefined && before.every((earlier, index) => line[index] === earlier)) {
        found.set(message.id, message)
      }
    }
    expect(found.has(id)).toBe(true)
    return [...found.values()].sort((one, other) => one.seq - other.seq)
  }

  #line(branchId: string): string[] {
    const line = this.lines.get(branchId)
    if (line === undefined) throw new Error(`No event made the branch ${branchId}.`)
    return line
  }
}
