import { ChatEvent } from '../../contract/events.ts'
import type { ChatLog } from '../chats/log.ts'
import type { AnswerRef } from '../ports.ts'
import { type ChatTail, type TailEvent, tailEvent } from './chat-tail.ts'
import type { LiveAnswers, OpenAnswers } from './live-answers.ts'
import type { LiveChats } from './live-chats.ts'
import type { Start, Starts } from './starts.ts'

export type Followed =
  | { type: 'start'; start: Start }
  | { type: 'event'; event: TailEvent }
  /** More of an answer that is being made; all that it says so far where the offset is not there. */
  | { type: 'answer'; answer: AnswerRef; offset?: number; text: string }

const PAGE = 100

type Parts = { live: LiveChats; log: ChatLog; answers: LiveAnswers; starts: Starts }

/**
 * A chat's events for one reader that takes them at its own pace: nothing waits for it but the log. First how it begins;
 * then every event after that, and what is said in answers meanwhile, until the signal is aborted. It begins again, by
 * itself, where the log has forgotten what comes next. Throws `Refusal('chat_missing' | 'storage_unavailable')`.
 */
export async function* follow(
  { live, log, answers, starts }: Parts,
  chatId: string,
  after: number | undefined,
  signal: AbortSignal,
): AsyncGenerator<Followed> {
  const open = await live.open(chatId)
  const said = await answers.open(open.tail)
  try {
    let start = await starts.of(open.tail, after)
    while (!signal.aborted) {
      yield { type: 'start', start }
      yield* following(open.tail, log, new ReadAnswers(said), start.seq, signal)
      if (signal.aborted || open.tail.closed) return
      start = await starts.afresh(chatId)
    }
  } finally {
    said.close()
    open.close()
  }
}

/** What one reader has been told of each answer. */
class ReadAnswers {
  readonly open: OpenAnswers
  #told = new Map<string, { answer: AnswerRef; text: string }>()

  constructor(open: OpenAnswers) {
    this.open = open
  }

  /** What the reader has not been told. */
  *news(): Generator<Extract<Followed, { type: 'answer' }>> {
    const before = this.#told
    this.#told = new Map()
    for (const { answer, text } of [...this.open.current()]) {
      const offset = before.get(answer.answerId)?.text.length
      this.#told.set(answer.answerId, { answer, text })
      if (offset === undefined) yield { type: 'answer', answer, text }
      else if (offset < text.length) yield { type: 'answer', answer, offset, text: text.slice(offset) }
    }
  }

  /** The last of a text that this event ends: who only reads pieces has them all before it. */
  *last({ text: json }: TailEvent): Generator<Extract<Followed, { type: 'answer' }>> {
    // Its type stands in front: the others are not parsed.
    if (this.#told.size === 0 || !json.slice(0, 200).includes('"type":"answer.ended"')) return
    const { data: event } = ChatEvent.safeParse(JSON.parse(json))
    if (event?.type !== 'answer.ended') return
    const told = this.#told.get(event.data.answer_id)
    const { content } = event.data
    if (told === undefined || content.length === told.text.length || !content.startsWith(told.text)) return
    yield { type: 'answer', answer: told.answer, offset: told.text.length, text: content.slice(told.text.length) }
  }
}

/** Ends where the log has forgotten what comes next. */
async function* following(
  tail: ChatTail,
  log: ChatLog,
  answers: ReadAnswers,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<Followed> {
  for (let seen = after; !(signal.aborted || tail.closed); ) {
    const events = tail.since(seen) ?? (await logged(tail, log, seen))
    if (events === undefined) return
    for (const event of events) {
      yield* answers.last(event)
      yield { type: 'event', event }
      seen = event.seq
    }
    // Read from the log, the last may be one that the tail has not heard of yet.
    tail.reaches(seen)
    // What has ended with it is told of as being made until the tail has heard, too.
    while (seen > tail.seq && !(signal.aborted || tail.closed)) await wake(tail, answers.open, signal)
    if (seen < tail.seq) continue
    // As of now: while the reader takes them there may be more, of which it is told the next time.
    const news = [...answers.news()]
    yield* news
    if (news.length === 0) await wake(tail, answers.open, signal)
  }
}

async function logged(tail: ChatTail, log: ChatLog, after: number): Promise<readonly TailEvent[] | undefined> {
  const { events, complete } = await log.read(tail.chatId, after, PAGE)
  return complete ? events.map(tailEvent) : undefined
}

/** Resolves with the next event, or more of an answer, or when there will be none. */
async function wake(tail: ChatTail, answers: OpenAnswers, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const news = () => resolve()
  const listener = { event: news, broken: news }
  tail.listen(listener)
  const end = answers.onNews(news)
  signal.addEventListener('abort', news, { once: true })
  if (!signal.aborted) await promise
  end()
  tail.unlisten(listener)
  signal.removeEventListener('abort', news)
}
