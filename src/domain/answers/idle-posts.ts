import type { Participant } from '../accounts/actor.ts'
import { idOf } from '../chats/access.ts'
import type { AnsweringService } from '../chats/answering.ts'
import { isAnswered, speakerIn } from '../chats/doors.ts'
import type { ChatLog } from '../chats/log.ts'
import type { Change } from '../chats/log-store.ts'
import type { MessageStore } from '../chats/message-store.ts'
import { assertWritable, type Posted } from '../chats/messages.ts'
import { ownFiles } from '../files/attachment-store.ts'
import { Refusal } from '../refusal.ts'
import type { AnswerRow, AnswerStore } from './answer-store.ts'
import { answerClientId, type NewAnswers } from './new-answers.ts'

type Parts = {
  store: AnswerStore
  messages: MessageStore
  log: ChatLog
  answering: AnsweringService
  fresh: NewAnswers
}

/** One that stops what is in its way is posted as any other where that many more began meanwhile. */
const TRIES = 20

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
   * any other: it was posted before, or the chat is answered by people. `makeRoom` ends what is being made in a branch,
   * once it is certain that the post is to be taken; without it one in the way throws `Refusal('answer_running')`.
   */
  async post(
    actor: Participant,
    chatId: string,
    posted: Posted,
    makeRoom?: (branchId: string) => Promise<void>,
  ): Promise<string | undefined> {
    const { answering, fresh } = this.#parts
    const { answerer: provider } = await answering.rulesOf(chatId)
    const id = Bun.randomUUIDv7()
    const answer = provider === undefined ? undefined : fresh.to({ id, chat_id: chatId, branch_id: chatId }, provider)
    for (let tries = 0; tries < TRIES; tries += 1) {
      const take = (begins: boolean) => this.#take(actor, chatId, posted, { id, answer, begins })
      const taken =
        answer === undefined
          ? await take(false)
          : await fresh.make(answer, '', take, ({ outcome }) => outcome === 'answered')
      switch (taken.outcome) {
        case 'left':
          return undefined
        case 'answered':
        case 'unanswered':
          return id
        case 'busy':
          if (makeRoom === undefined) throw new Refusal('answer_running')
          await makeRoom(taken.branchId)
      }
    }
    return undefined
  }

  #take(
    actor: Participant,
    chatId: string,
    posted: Posted,
    { id, answer, begins }: { id: string; answer: AnswerRow | undefined; begins: boolean },
  ): Promise<Taken> {
    const { fresh, log, messages, store } = this.#parts
    const { content, client_id = null, metadata = {}, file_ids } = posted
    return log.change(actor, chatId, async (transaction, chat, at): Promise<Change<Taken>> => {
      const known = client_id !== null && (await messages.findByClientId(transaction, chatId, client_id))
      if (known || !isAnswered(chat)) return { events: [], result: { outcome: 'left' } }
      assertWritable(actor, chat)
      const branchId = posted.branch_id ?? chat.active_branch_id
      const head = await store.headOf(transaction, chatId, branchId)
      if (head === undefined) throw new Refusal('branch_missing')
      const files = await ownFiles(transaction, actor, file_ids ?? [])
      // Last: nothing is ended for a post that is refused.
      if ((await store.runningIn(transaction, branchId)).length > 0)
        return { events: [], result: { outcome: 'busy', branchId } }
      const sender_type = speakerIn(actor, chat)
      const said = {
        id,
        chat_id: chatId,
        branch_id: branchId,
        position: head + 1,
        sender_type,
        sender_id: idOf(actor),
        content,
        status: 'completed' as const,
        metadata,
        client_id,
      }
      const event = await messages.insert(transaction, said, { seq: chat.last_seq + 1, at }, files)
      if (answer === undefined || sender_type !== 'user') {
        return { events: [event], result: { outcome: 'unanswered' } }
      }
      answer.branch_id = branchId
      const place = { position: head + 2, seq: chat.last_seq + 2, clientId: answerClientId(id), at }
      const answering = await fresh.insert(transaction, answer, place, begins)
      return { events: [event, ...answering], result: { outcome: 'answered' } }
    })
  }
}

type Taken = { outcome: 'left' | 'answered' | 'unanswered' } | { outcome: 'busy'; branchId: string }
