import type { ChatSocketServerFrame } from '../../contract/chat-socket.ts'
import type { CloseName } from '../../contract/close-codes.ts'
import { ChatEvent, type ChatEventType } from '../../contract/events.ts'
import { BoundedCache } from '../../domain/bounded-cache.ts'
import type { TailEvent } from '../../domain/live/chat-tail.ts'
import type { BegunAnswer } from '../../domain/live/live-answers.ts'
import type { Said } from '../../domain/live/said.ts'
import type { AnswerRef } from '../../domain/ports.ts'
import type { ChatDialect } from './chat-topic.ts'
import type { Piece } from './pieces.ts'

export function encodeChatFrame(frame: ChatSocketServerFrame): string {
  return JSON.stringify(frame)
}

/** Messages of which it is remembered that something was told. */
const TOLD_MAX = 20_000

/** How the Chats API tells of answers. */
export class AnswerDialect implements ChatDialect {
  readonly name = 'chat'
  readonly #told = new BoundedCache<string, true>(TOLD_MAX)
  readonly answers = {
    joined: ({ messageId }: AnswerRef) => this.#joined(messageId),
    begins: (answer: BegunAnswer, text: string) => this.#begins(answer, text),
    delta: ({ answer, text }: Piece) => chunk(answer.messageId, text),
    replaced: ({ messageId }: AnswerRef, text: string) => content(messageId, text),
  }

  /** The end of an answer. */
  frame({ text }: TailEvent): string | undefined {
    if (!isOfType(text, 'answer.ended')) return undefined
    const { data: event } = ChatEvent.safeParse(JSON.parse(text))
    if (event?.type !== 'answer.ended') return undefined
    const { message_id, sources } = event.data
    this.#told.set(message_id, true)
    return encodeChatFrame({ type: 'complete', message_id, sources })
  }

  ending({ text }: TailEvent): CloseName | undefined {
    return isOfType(text, 'chat.deleted') ? 'policy' : undefined
  }

  /** To a client that has asked for a message. */
  asked(message_id: string, { content: text, sources, isRunning }: Said): string[] {
    if (isRunning) return [content(message_id, text)]
    this.#told.set(message_id, true)
    return [content(message_id, text), encodeChatFrame({ type: 'complete', message_id, sources })]
  }

  /** Whoever comes later asks. */
  #joined(messageId: string): undefined {
    this.#told.set(messageId, true)
  }

  #begins({ messageId, begun }: BegunAnswer, text: string): string | undefined {
    // A message that was told of before begins over, or goes on: what its watchers have of it may be something else.
    if (this.#told.get(messageId)) return content(messageId, text)
    this.#told.set(messageId, true)
    return text.length > begun ? chunk(messageId, text.slice(begun)) : undefined
  }
}

/** Its type stands in front: other events are not parsed. */
function isOfType(text: string, type: ChatEventType): boolean {
  return text.slice(0, 200).includes(`"type":"${type}"`)
}

function chunk(message_id: string, text: string): string {
  return encodeChatFrame({ type: 'chunk', message_id, content: text })
}

function content(message_id: string, text: string): string {
  return encodeChatFrame({ type: 'stream_content', message_id, content: text })
}
