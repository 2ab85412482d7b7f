import type { Participant } from '../accounts/actor.ts'
import { idOf } from '../chats/access.ts'
import type { AnsweringService } from '../chats/answering.ts'
import { isAnswered, speakerIn } from '../chats/doors.ts'
import type { ChatLog } from '../chats/log.ts'
import type { Change } from '../chats/log-store.ts'
import type { MessageStore } from '../chats/message-store.ts'
import { assertWritable, type Posted } from '../chats/messages.ts'
import { messageTypeOf } from '../chats/rows.ts'
import { ownFiles, referenceOf, show } from '../files/attachment-store.ts'
import { Refusal } from '../refusal.ts'
import type { AnswerStore } from './answer-store.ts'
import { answerClientId, type NewAnswers } from './new-answers.ts'

type Parts = {
  store: AnswerStore
  messages: MessageStore
  log: ChatLog
  answering: AnsweringService
  fresh: NewAnswers
}

/**
 * Posts that are taken only where no answer of their branch is being made. The post and its answer are one change of the
 * chat: of several at the same moment one is taken, and of the others nothing is stored.
 */
export class IdlePosts {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /**
   * Resolves to the message; to `undefined`, with nothing stored, where it stands in nobody's way and is to be posted as
   * any other: it was posted before, or the chat is answered by people. Throws `Refusal('answer_running')`.
   */
  async post(actor: Participant, chatId: string, posted: Posted): Promise<string | undefined> {
    const { answering, fresh, log, messages, store } = this.#parts
    const { answerer: provider } = await answering.rulesOf(chatId)
    const { content, client_id = null, metadata = {}, file_ids } = posted
    const id = Bun.randomUUIDv7()
    const answer = provider && fresh.to({ id, chat_id: chatId, branch_id: chatId }, provider)
    const mayBegin = answer !== undefined && (await fresh.mayBegin(answer))
    const taken = await log.change(actor, chatId, async (transaction, chat, at): Promise<Change<Taken | undefined>> => {
      const known = client_id !== null && (await messages.findByClientId(transaction, chatId, client_id))
      if (known || !isAnswered(chat)) return { events: [], result: undefined }
      assertWritable(actor, chat)
      const branch_id = posted.branch_id ?? chat.active_branch_id
      const head = await store.headOf(transaction, chatId, branch_id)
      if (head === undefined) throw new Refusal('branch_missing')
      if ((await store.runningIn(transaction, branch_id)).length > 0) throw new Refusal('answer_running')
      const files = await ownFiles(transaction, actor, file_ids ?? [])
      const sender_type = speakerIn(actor, chat)
      const said = {
        id,
        chat_id: chatId,
        branch_id,
        position: head + 1,
        sender_type,
        sender_id: idOf(actor),
        content,
        status: 'completed' as const,
        metadata,
        client_id,
      }
      const row = { ...said, seq: chat.last_seq + 1, created_at: at, extended: files.length > 0 }
      const number = await messages.insert(transaction, row)
      await show(transaction, id, files)
      const shown = files.length > 0 ? { files: files.map(referenceOf) } : {}
      const event = {
        type: 'message.created' as const,
        data: { ...said, message_type: messageTypeOf(sender_type), number, ...shown },
      }
      if (!answer || sender_type !== 'user') return { events: [event], result: { answered: false } }
      answer.branch_id = branch_id
      const place = { position: head + 2, seq: chat.last_seq + 2, clientId: answerClientId(id), at }
      const answering = await fresh.insert(transaction, answer, place, mayBegin)
      return { events: [event, ...answering], result: { answered: true } }
    })
    if (answer && taken?.answered) fresh.started(answer)
    return taken && id
  }
}

type Taken = { answered: boolean }
