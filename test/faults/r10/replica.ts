import { applyEvent, type ChatState, NO_CHAT } from '../../../src/contract/chat-state.ts'
import type { Client } from '../rig/client.ts'
import { LiveReader } from '../rig/live-reader.ts'

/** What one watcher knows of a chat, by its snapshot and the events since. */
export class Replica {
  state: ChatState = NO_CHAT
  readonly reader: LiveReader

  /** `after`: 0 for one that begins with the first event; not given, with the chat as it is. */
  constructor(client: Client, chatId: string, after?: number) {
    this.reader = new LiveReader({
      client,
      chatId,
      mayBeMissing: true,
      ...(after === undefined ? {} : { after }),
      onStart: (snapshot) => {
        this.state = {
          chat: snapshot.chat,
          branches: byId(snapshot.branches),
          messages: byId(snapshot.messages),
          read_cursors: snapshot.read_cursors,
          answering: snapshot.answering,
        }
      },
      onEvent: (event) => {
        this.state = applyEvent(this.state, event)
      },
    })
  }
}

export function byId<T extends { id: string }>(all: readonly T[]): Record<string, T> {
  return Object.fromEntries(all.map((one) => [one.id, one]))
}
