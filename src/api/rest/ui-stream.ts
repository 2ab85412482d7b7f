import { type Context, Elysia } from 'elysia'
import { z } from 'zod'
import { ChatParams } from '../../contract/chat-calls.ts'
import { exampleMessage } from '../../contract/chats.ts'
import { ChatEvent } from '../../contract/events.ts'
import { failures } from '../../contract/failures.ts'
import { UI_REQUEST_MAX, UiChunk, UiRequest, UiResumeParams } from '../../contract/ui-stream.ts'
import type { Actor } from '../../domain/accounts/actor.ts'
import type { AccountService } from '../../domain/accounts/service.ts'
import type { AnswerEnded, ClientTurns } from '../../domain/answers/client-turns.ts'
import type { ChatServices } from '../../domain/chats/services.ts'
import type { TailEvent } from '../../domain/live/chat-tail.ts'
import type { Followed } from '../../domain/live/follow.ts'
import { eventStream, type StreamEvent } from '../event-stream.ts'
import { following } from '../following.ts'
import { documentBody } from '../plugins/document-body.ts'
import { presentedIn } from '../plugins/presented.ts'
import { actorOf, SECURITY, SIGNED_IN, signedIn } from '../plugins/signed-in.ts'
import { UiMessage } from '../ui-message.ts'

const tags = ['Answers']

const STREAM = `
The answer is a stream of the AI SDK's UI messages (Server-Sent Events, version 1 of its protocol), for \`useChat\` with
\`new DefaultChatTransport({ api: '/api/chats/{chat_id}/ui-stream', headers: { authorization: … } })\`. Its message has the id that
it has here. Whoever leaves it stops nothing: the answer goes on, and can be resumed. To end it,
\`POST /api/chats/{chat_id}/messages/{message_id}/stop\`.
`.trim()

const EXAMPLE = [
  { type: 'start', messageId: exampleMessage.id },
  { type: 'start-step' },
  { type: 'text-start', id: 'text-1' },
  { type: 'text-delta', id: 'text-1', delta: 'Hello!' },
  { type: 'text-end', id: 'text-1' },
  { type: 'finish-step' },
  { type: 'finish', finishReason: 'stop' },
] satisfies UiChunk[]

const SENT = {
  description: 'The chunks of the message, as they are made, and `[DONE]`.',
  content: {
    'text/event-stream': {
      schema: { type: 'string' as const },
      examples: {
        answer: { value: `${EXAMPLE.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join('')}data: [DONE]\n\n` },
      },
    },
  },
}
const HEADERS = { 'x-vercel-ai-ui-message-stream': 'v1' }
const NOTHING = z.void().meta({ description: 'Nothing is being answered.' })

const always = [...SIGNED_IN, 'chat_missing', 'too_many_sockets', 'invalid', 'internal'] as const

/** Chats for the AI SDK. */
export function uiStreamRoutes(
  turns: ClientTurns,
  { chats, live }: ChatServices,
  { authenticator, holders }: AccountService,
  draining: AbortSignal,
) {
  const told = async (set: Context['set'], request: Request, chatId: string, messageId: string) => {
    const identity = await authenticator.identify(presentedIn(request))
    const { actor } = identity
    const { last_seq: after } = await chats.get(actor, chatId)
    const { events, end } = await following({ live, holders }, identity, { chatId, after }, request.signal, draining)
    const stream = uiEvents(messageId, events, () => turns.ended(actor, chatId, messageId))
    return eventStream<UiChunk>(set, stream, end, HEADERS)
  }
  const resume = async (set: Context['set'], request: Request, actor: Actor, chatId: string) => {
    const messageId = await turns.running(actor, chatId)
    if (messageId !== undefined) return told(set, request, chatId, messageId)
    set.status = 204
    return undefined
  }
  const resumed = {
    response: { 200: UiChunk, 204: NOTHING, ...failures(...always) },
    detail: {
      tags,
      summary: 'Go on reading the answer that is being made',
      responses: { 200: SENT },
    },
  }
  return new Elysia({ name: 'rest/ui-stream', prefix: '/api/chats/:chat_id/ui-stream', detail: { security: SECURITY } })
    .use(signedIn(authenticator))
    .post(
      '/',
      async ({ actor, params: { chat_id }, body: { asked, trigger, messageId, on_busy }, request, set }) => {
        const busy = on_busy === undefined ? {} : { on_busy }
        if (trigger === 'regenerate-message') {
          return told(set, request, chat_id, await turns.answerAgain(actor, chat_id, asked, messageId))
        }
        const answer =
          messageId === undefined
            ? await turns.submit(actor, chat_id, asked, busy)
            : await turns.resubmit(actor, chat_id, { ...asked, id: messageId })
        return told(set, request, chat_id, answer)
      },
      {
        // A large body is read for those only who may send one; the handler's own `actor` is not known yet.
        parse: async ({ request }) => {
          await actorOf(authenticator, request)
          return documentBody(request, UI_REQUEST_MAX)
        },
        params: ChatParams,
        body: UiRequest,
        response: {
          200: UiChunk,
          ...failures(
            ...always,
            'body_too_large',
            'not_json',
            'message_missing',
            'message_deleted',
            'client_id_reused',
            'chat_archived',
            'answer_running',
            'too_many_answers',
            'too_many_branches',
            'not_answered',
            'no_answerer',
            'answered_by_people',
            'overloaded',
          ),
        },
        detail: {
          tags,
          operationId: 'streamUiMessage',
          summary: 'Say something, and read the answer as the AI SDK does',
          description: STREAM,
          responses: { 200: SENT },
        },
      },
    )
    .get('/', ({ actor, params, request, set }) => resume(set, request, actor, params.chat_id), {
      params: ChatParams,
      ...resumed,
      detail: {
        ...resumed.detail,
        operationId: 'resumeUiMessage',
        description: 'From its beginning. 204 where there is none.',
      },
    })
    .get('/:ui_chat_id/stream', ({ actor, params, request, set }) => resume(set, request, actor, params.chat_id), {
      params: UiResumeParams,
      ...resumed,
      detail: {
        ...resumed.detail,
        operationId: 'resumeUiMessageOfClient',
        description:
          "The same, where the AI SDK looks for it unless told otherwise: below `api`, by the client's own name for the chat.",
      },
    })
}

/** Throws where it is broken off before the answer's end, so that the reader knows that there is more. */
async function* uiEvents(
  messageId: string,
  events: AsyncGenerator<Followed>,
  read: () => Promise<AnswerEnded | undefined>,
): AsyncGenerator<StreamEvent> {
  const message = new UiMessage(messageId)
  yield* inEvents(message.begin())
  for await (const item of events) {
    if (item.type === 'answer') {
      if (item.answer.messageId === messageId) yield* inEvents(message.says(item.text, item.offset))
      continue
    }
    // What begins knows nothing of what was told before.
    const ended = item.type === 'start' ? await read() : endIn(item.event, messageId)
    if (ended === undefined) continue
    yield* inEvents(message.ends(ended))
    return yield { data: '[DONE]' }
  }
  throw new Error('The stream was broken off.')
}

function inEvents(chunks: readonly UiChunk[]): StreamEvent[] {
  return chunks.map((chunk) => ({ data: JSON.stringify(chunk) }))
}

function endIn({ text }: TailEvent, messageId: string): AnswerEnded | undefined {
  // Its type stands in front: the others are not parsed.
  if (!text.slice(0, 200).includes('"type":"answer.ended"')) return undefined
  const event = ChatEvent.parse(JSON.parse(text))
  return event.type === 'answer.ended' && event.data.message_id === messageId ? event.data : undefined
}
