import { Elysia } from 'elysia'
import { ChatParams, EventPage, EventQuery } from '../../contract/chat-calls.ts'
import { Seq } from '../../contract/chats.ts'
import { failures } from '../../contract/failures.ts'
import type { AccountService } from '../../domain/accounts/service.ts'
import { eventText } from '../../domain/chats/log.ts'
import type { ChatServices } from '../../domain/chats/services.ts'
import type { Followed } from '../../domain/live/follow.ts'
import { Refusal } from '../../domain/refusal.ts'
import { encoded } from '../encoded.ts'
import { eventStream, type StreamEvent } from '../event-stream.ts'
import { answerFrame, following, watchingFrame } from '../following.ts'
import { presentedIn } from '../plugins/presented.ts'
import { PARTICIPATING, participating, VISITOR_SECURITY } from '../plugins/signed-in.ts'

const EVENTS = `
By \`seq\`, without gaps: a reader that applies them knows the chat, and goes on after the last one it saw.

With \`Accept: text/event-stream\` the answer is a stream (Server-Sent Events) that goes on with every change as it happens:
none missing, none twice. Its first event is \`Watching\`, as on the live socket; each other one is a \`ChatEvent\` whose id is
its \`seq\`. Begin after the \`seq\` of \`after\`, or of the \`Last-Event-ID\` header, which browsers send by themselves when they
come back. Without one, and where what is missing is forgotten, the stream begins with a snapshot. An answer that is being made comes
as \`answer.snapshot\`, with all that it says so far, and then as \`answer.delta\` by offsets. A comment comes every 10
seconds. The stream ends when the token expires or is revoked.
`.trim()

/** A chat's log: in pages, or as a stream. */
export function chatEventRoutes(
  { reader, live }: ChatServices,
  { authenticator, holders }: AccountService,
  draining: AbortSignal,
) {
  return new Elysia({ name: 'rest/chat-events', prefix: '/api/chats/:chat_id', detail: { security: VISITOR_SECURITY } })
    .use(participating(authenticator))
    .get(
      '/events',
      async ({ actor, params: { chat_id }, query: { after, limit = 100 }, request, set }) => {
        if (request.headers.get('accept')?.includes('text/event-stream')) {
          const { events, end } = await following(
            { live, holders },
            await authenticator.identifyAny(presentedIn(request)),
            { chatId: chat_id, after: cursorOf(request) ?? after },
            request.signal,
            draining,
          )
          return eventStream<EventPage>(set, streamEvents(chat_id, events), end)
        }
        const { events, complete, last } = await reader.events(actor, chat_id, { after: after ?? 0, limit })
        const text = `{"events":[${events.map(eventText).join(',')}],"complete":${complete},"last_seq":${last}}`
        return encoded<200, EventPage>(set, 200, text)
      },
      {
        params: ChatParams,
        query: EventQuery,
        response: {
          200: EventPage,
          ...failures(...PARTICIPATING, 'chat_missing', 'too_many_sockets', 'invalid', 'internal'),
        },
        detail: {
          tags: ['Live'],
          operationId: 'readEvents',
          summary: "Read a chat's changes, or follow them",
          description: EVENTS,
        },
      },
    )
}

async function* streamEvents(chatId: string, events: AsyncGenerator<Followed>): AsyncGenerator<StreamEvent> {
  let seen = 0
  for await (const item of events) {
    if (item.type === 'event') seen = item.event.seq
    else if (item.type === 'start') seen = item.start.seq
    // What is said of an answer is kept nowhere: who comes back after it begins where it was in the log.
    yield { id: seen, data: dataOf(chatId, item) }
  }
}

function dataOf(chatId: string, item: Followed): string {
  switch (item.type) {
    case 'event':
      return item.event.text
    case 'start':
      return JSON.stringify(watchingFrame(chatId, null, item.start))
    case 'answer':
      return JSON.stringify(answerFrame(item.answer, item.offset, item.text))
  }
}

function cursorOf({ headers }: Request): number | undefined {
  const given = headers.get('last-event-id')
  if (given === null || given === '') return undefined
  const cursor = /^\d+$/.test(given) ? Seq.safeParse(Number(given)).data : undefined
  if (cursor !== undefined) return cursor
  const issue = { loc: ['header', 'last-event-id'], msg: 'Send the id of an event of this stream.', type: 'invalid' }
  throw new Refusal('invalid', { issues: [issue] })
}
