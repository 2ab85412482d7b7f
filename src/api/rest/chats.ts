import { Elysia } from 'elysia'
import { Done } from '../../contract/accounts.ts'
import {
  CHAT_MESSAGES_MAX,
  ChatPage,
  ChatPageQuery,
  ChatParams,
  ChatWithMessages,
  LikeOrDislike,
  MessagePage,
  MessagePageQuery,
  MessageParams,
  PostedMessage,
} from '../../contract/chat-calls.ts'
import { Message, NewChat } from '../../contract/chats.ts'
import { failures } from '../../contract/failures.ts'
import type { Authenticator } from '../../domain/accounts/authenticator.ts'
import type { AnswerService } from '../../domain/answers/service.ts'
import type { ChatServices } from '../../domain/chats/services.ts'
import { encoded } from '../encoded.ts'
import { clientIdOf, IDEMPOTENCY_KEY } from '../plugins/idempotency.ts'
import { jsonBody } from '../plugins/json-body.ts'
import { revealing } from '../plugins/revealing.ts'
import { SECURITY, SIGNED_IN, signedIn } from '../plugins/signed-in.ts'

const tags = ['Chats']
const always = [...SIGNED_IN, 'invalid', 'internal'] as const
const ofChat = [...always, 'chat_missing', 'forbidden'] as const
const sent = ['body_too_large', 'not_json'] as const

/** The Chats API, as documented: chats that last. What is native beyond it is in the files by resource. */
export function chatRoutes(
  { chats, messages, reader }: ChatServices,
  answers: AnswerService,
  authenticator: Authenticator,
) {
  return new Elysia({ name: 'rest/chats', prefix: '/api/chats', detail: { security: SECURITY } })
    .use(signedIn(authenticator))
    .use(revealing('forbidden'))
    .get(
      '/',
      async ({ actor, query: { skip = 0, limit = 100, archived = false } }) => {
        const { items, total } = await chats.list(actor, { skip, limit, archived })
        return { items: items.map((chat) => ({ ...chat, messages: [] })), total }
      },
      {
        query: ChatPageQuery,
        response: { 200: ChatPage, ...failures(...always) },
        detail: {
          tags,
          operationId: 'listChats',
          summary: "List the account's chats",
          description:
            'Those that changed last first, without their messages. Deleted ones are not listed; a service key has none of its own.',
        },
      },
    )
    .post('/', async ({ actor, body, status }) => status(201, { ...(await chats.create(actor, body)), messages: [] }), {
      parse: jsonBody,
      body: NewChat,
      response: { 201: ChatWithMessages, ...failures(...always, ...sent) },
      detail: {
        tags,
        operationId: 'createChat',
        summary: 'Make a chat',
        description: 'It belongs to the account. It has one branch, the root, with the id of the chat.',
      },
    })
    .get(
      '/:chat_id',
      async ({ actor, params, set }) => {
        const chat = await reader.open(actor, params.chat_id, CHAT_MESSAGES_MAX)
        return encoded<200, ChatWithMessages>(set, 200, JSON.stringify(chat))
      },
      {
        params: ChatParams,
        response: { 200: ChatWithMessages, ...failures(...ofChat) },
        detail: {
          tags,
          operationId: 'readChat',
          summary: 'Read a chat with its newest messages',
          description: `The newest ${CHAT_MESSAGES_MAX} messages of the active branch, oldest first. The others are in pages.`,
        },
      },
    )
    .get(
      '/:chat_id/messages',
      async ({ actor, params, query: { skip = 0, limit = 100 }, set }) => {
        const page = await reader.page(actor, params.chat_id, { skip, limit })
        return encoded<200, MessagePage>(set, 200, JSON.stringify(page))
      },
      {
        params: ChatParams,
        query: MessagePageQuery,
        response: { 200: MessagePage, ...failures(...ofChat) },
        detail: {
          tags,
          operationId: 'listMessages',
          summary: 'List the messages of the active branch',
          description:
            'Oldest first. A deleted message keeps its place: it counts, and is there without its content. From the newest on, or of another branch: `GET /api/chats/{chat_id}/branches/{branch_id}/messages`.',
        },
      },
    )
    .post(
      '/:chat_id/messages',
      async ({ actor, params, body: { client_id, ...draft }, request, set }) => {
        const message = await answers.post(actor, params.chat_id, {
          ...draft,
          ...clientIdOf(request, client_id),
        })
        return encoded<200, Message>(set, 200, JSON.stringify(message))
      },
      {
        params: ChatParams,
        parse: jsonBody,
        body: PostedMessage,
        response: {
          200: Message,
          ...failures(
            ...ofChat,
            ...sent,
            'branch_missing',
            'file_missing',
            'client_id_reused',
            'chat_archived',
            'session_ended',
            'not_assigned',
            'answer_running',
            'too_many_answers',
            'overloaded',
          ),
        },
        detail: {
          tags,
          operationId: 'postMessage',
          summary: 'Post a message',
          description:
            'To the active branch, where none is named. Its answer is on its way then: watch the chat. With the same `client_id` again the message that is there comes back, and it is answered once.',
          parameters: [IDEMPOTENCY_KEY],
        },
      },
    )
    .post(
      '/:chat_id/messages/:message_id/reaction',
      async ({ actor, params, body }) => {
        await messages.react(actor, params.chat_id, params.message_id, body.reaction_type)
        return { status: 'success' as const }
      },
      {
        params: MessageParams,
        parse: jsonBody,
        body: LikeOrDislike,
        response: {
          200: Done,
          ...failures(...ofChat, ...sent, 'account_needed', 'message_missing', 'message_deleted', 'chat_archived'),
        },
        detail: {
          tags,
          operationId: 'likeMessage',
          summary: 'Like or dislike a message',
          description: "In place of the account's earlier one.",
        },
      },
    )
}
