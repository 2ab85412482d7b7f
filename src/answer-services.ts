import type { Logger } from 'pino'
import type { Database } from './db/open.ts'
import { AnswerStore } from './domain/answers/answer-store.ts'
import type { CallbackTokens } from './domain/answers/callback-tokens.ts'
import { AnswerCallbacks } from './domain/answers/callbacks.ts'
import { ClientTurns } from './domain/answers/client-turns.ts'
import { AnswerDispatch } from './domain/answers/dispatch.ts'
import { IdlePosts } from './domain/answers/idle-posts.ts'
import { type AnswerLimits, LIMITS } from './domain/answers/limits.ts'
import { NewAnswers } from './domain/answers/new-answers.ts'
import { AnswerRunner } from './domain/answers/runner.ts'
import { AnswerService } from './domain/answers/service.ts'
import { Settlement } from './domain/answers/settlement.ts'
import { AnswerStarts } from './domain/answers/starts.ts'
import { AnswerWaits } from './domain/answers/waits.ts'
import { ChatStore } from './domain/chats/chat-store.ts'
import { History } from './domain/chats/history.ts'
import { HistoryStore } from './domain/chats/history-store.ts'
import { MessageStore } from './domain/chats/message-store.ts'
import { messageOf } from './domain/chats/rows.ts'
import type { ChatServices } from './domain/chats/services.ts'
import { FileTextStore } from './domain/files/file-text-store.ts'
import { FileTexts } from './domain/files/file-texts.ts'
import type { AnswerBuffer, Answerer, AnswerRef, Bus } from './domain/ports.ts'

/** All that works on answers. */
export type AnswerServices = {
  answers: AnswerService
  callbacks: AnswerCallbacks
  turns: ClientTurns
  dispatch: AnswerDispatch
}

type Parts = {
  database: Database
  bus: Bus
  buffer: AnswerBuffer
  chats: ChatServices
  /** Those that the chats may choose from. */
  answerers: readonly Answerer[]
  /** For those who call back. */
  tokens: CallbackTokens
  log: Logger
  limits?: Partial<AnswerLimits>
}

/** Over one database, bus and buffer. */
export async function openAnswers({
  database,
  bus,
  buffer,
  chats,
  answerers,
  ...parts
}: Parts): Promise<AnswerServices> {
  const limits = { ...LIMITS, ...parts.limits }
  const { log, messages, branches, access, live } = chats
  const store = new AnswerStore(database)
  const doors = new ChatStore(database)
  const reads = new HistoryStore(database)
  const settlement = new Settlement(store, log, buffer)
  const report = (err: unknown, ref?: AnswerRef) =>
    parts.log.error({ err, chat_id: ref?.chatId, answer_id: ref?.answerId }, 'an answer failed')
  const runner = new AnswerRunner({
    buffer,
    settlement,
    history: new History(reads),
    files: new FileTexts(new FileTextStore(database), limits),
    async message(messageId) {
      const row = await reads.message(messageId)
      return row && messageOf(row)
    },
    answerer: (provider) => answerers.find(({ name }) => name === provider),
    async handedOver({ answerId }) {
      await store.renew([answerId], limits.firstMs)
    },
    rulesOf: (chatId) => chats.answering.rulesOf(chatId),
    hasPeople: async (chatId) => (await doors.doors(chatId))?.handling === 'assistant',
    limits,
    report,
  })
  const dispatch = new AnswerDispatch({
    store,
    log,
    bus,
    buffer,
    runner,
    settlement,
    providers: answerers.map(({ name }) => name),
    limits,
    report,
  })
  const own = new MessageStore(database)
  const fresh = new NewAnswers({ store, messages: own, buffer, dispatch, limits })
  const starts = new AnswerStarts({
    store,
    messages: own,
    branches,
    chats: chats.chats,
    log,
    fresh,
    limits,
    answering: chats.answering,
    apologyOf: (provider) => answerers.find(({ name }) => name === provider)?.apology,
  })
  const waits = new AnswerWaits(live.chats, messages, limits.patienceMs)
  const answers = new AnswerService({
    messages,
    branches,
    access,
    store,
    settlement,
    starts,
    idle: new IdlePosts({ store, messages: own, log, answering: chats.answering, fresh }),
    dispatch,
    waits,
    limits,
    posted: (chatId, clientId) => reads.idOf(chatId, clientId),
  })
  // What cannot be ended now comes to its end by itself.
  chats.chats.onRemoved((chatId) => void answers.forsake(chatId).catch(() => {}))
  await dispatch.start()
  const callbacks = new AnswerCallbacks({ tokens: parts.tokens, access, buffer, store, settlement, dispatch, limits })
  const turns = new ClientTurns({ chats, store, starts, answers })
  return { answers, callbacks, turns, dispatch }
}
