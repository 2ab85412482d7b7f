import { type ChatSnapshot, SNAPSHOT_BRANCHES_MAX, SNAPSHOT_MESSAGES_MAX } from '../../contract/live.ts'
import type { ChatLog } from '../chats/log.ts'
import type { SnapshotStore } from '../chats/snapshot-store.ts'
import { Refusal } from '../refusal.ts'
import type { ChatTail } from './chat-tail.ts'

/** A reader that is further behind begins with a snapshot: that is less to read. */
const REPLAYED_MAX = 1000
/** The JSON of a snapshot's messages together, in bytes; the newest is always there. */
const SNAPSHOT_BYTES_MAX = 262_144
const LIMITS = { messages: SNAPSHOT_MESSAGES_MAX, branches: SNAPSHOT_BRANCHES_MAX, readCursors: 100 }

/** Where a reader begins: after the last event it has seen, or with the chat as of one. */
export type Start = { seq: number; recovered: true } | { seq: number; recovered: false; snapshot: ChatSnapshot }

/** Decides how a reader of a chat's events begins. */
export class Starts {
  readonly #log: ChatLog
  readonly #snapshots: SnapshotStore

  constructor(log: ChatLog, snapshots: SnapshotStore) {
    this.#log = log
    this.#snapshots = snapshots
  }

  /** `after`: what the reader has seen; `undefined` for one that is new. Throws `Refusal('storage_unavailable')`. */
  async of(tail: ChatTail, after: number | undefined): Promise<Start> {
    return after !== undefined && (await this.#reaches(tail, after))
      ? { seq: after, recovered: true }
      : this.afresh(tail.chatId)
  }

  /** Throws `Refusal('chat_missing')` where the chat is gone for good. */
  async afresh(chatId: string): Promise<Start> {
    const snapshot = await this.#snapshots.read(chatId, LIMITS)
    if (snapshot === undefined) throw new Refusal('chat_missing')
    return { seq: snapshot.chat.last_seq, recovered: false, snapshot: shortened(snapshot) }
  }

  async #reaches(tail: ChatTail, after: number): Promise<boolean> {
    if (tail.since(after) !== undefined) return true
    if (tail.seq - after > REPLAYED_MAX) return false
    const { complete } = await this.#log.read(tail.chatId, after, 1)
    return complete
  }
}

function shortened(snapshot: ChatSnapshot): ChatSnapshot {
  const { messages } = snapshot
  let bytes = 0
  let first = messages.length
  while (first > 0) {
    bytes += Buffer.byteLength(JSON.stringify(messages[first - 1]))
    if (bytes > SNAPSHOT_BYTES_MAX && first < messages.length) break
    first -= 1
  }
  return first === 0 ? snapshot : { ...snapshot, messages: messages.slice(first) }
}
