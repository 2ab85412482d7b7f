import type { Live } from '../../domain/live/live.ts'
import type { Publisher } from './audience.ts'
import { type ChatDialect, ChatTopic, type ChatWatch, type TopicParts } from './chat-topic.ts'
import type { Connection } from './connection.ts'
import { JoinGarbage } from './join-garbage.ts'

/** The chats that sockets of one dialect watch in this process. */
export class ChatTopics {
  readonly #parts: TopicParts
  readonly #topics = new Map<string, ChatTopic>()
  readonly #garbage = new JoinGarbage()

  constructor({ publisher, live }: { publisher: Publisher; live: Live }, dialect: ChatDialect) {
    const { chats, starts, answers } = live
    const onEmpty = (topic: ChatTopic) => this.#topics.delete(topic.chatId)
    this.#parts = { publisher, live: chats, starts, answers, dialect, onEmpty }
    if (dialect.answers === undefined) return
    answers.onAnswer({
      begins: (answer, text) => this.#topics.get(answer.chatId)?.begins(answer, text),
      delta: (answer, offset, text) => this.#topics.get(answer.chatId)?.delta({ answer, offset, text }),
      replaced: (answer, text) => this.#topics.get(answer.chatId)?.replaced(answer, text),
    })
  }

  /**
   * Lets the socket watch a chat, after the last event that it has seen. Resolves once it is told of every event as it
   * happens. Throws `Refusal('chat_missing' | 'storage_unavailable')`; it then does not watch.
   */
  async join(connection: Connection, chatId: string, after: number | undefined, watch: ChatWatch): Promise<void> {
    const topic = this.#topics.get(chatId) ?? this.#open(chatId)
    await topic.join(connection, after, watch)
    this.#garbage.add()
  }

  leave(connection: Connection, chatId: string): void {
    this.#topics.get(chatId)?.leave(connection)
  }

  /** Sends a frame to one socket that watches the chat, after all that the others were told before. */
  tell(connection: Connection, chatId: string, frame: string): void {
    this.#topics.get(chatId)?.tell(connection, frame)
  }

  /** Sends a frame to all who watch the chat here. */
  publish(chatId: string, frame: string): void {
    this.#topics.get(chatId)?.tellAll(frame)
  }

  #open(chatId: string): ChatTopic {
    const topic = new ChatTopic(chatId, this.#parts)
    this.#topics.set(chatId, topic)
    return topic
  }
}
