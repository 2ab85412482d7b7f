import { Elysia } from 'elysia'
import { z } from 'zod'
import { Divergence, DivergingEdit, NewBranch } from '../../contract/branch-calls.ts'
import { MessageChange, MessageEdit, MessageParams, ReactionParams } from '../../contract/chat-calls.ts'
import { Branch, Message } from '../../contract/chats.ts'
import { failures } from '../../contract/failures.ts'
import type { Authenticator } from '../../domain/accounts/authenticator.ts'
import type { ChatServices } from '../../domain/chats/services.ts'
import { clientIdOf, IDEMPOTENCY_KEY } from '../plugins/idempotency.ts'
import { jsonBody } from '../plugins/json-body.ts'
import { SECURITY, SIGNED_IN, signedIn } from '../plugins/signed-in.ts'

const tags = ['Messages']
const always = [...SIGNED_IN, 'chat_missing', 'message_missing', 'invalid', 'internal'] as const
const sent = ['body_too_large', 'not_json'] as const

/** One message of a chat. */
export function messageRoutes({ messages, branches }: ChatServices, authenticator: Authenticator) {
  return new Elysia({
    name: 'rest/messages',
    prefix: '/api/chats/:chat_id/messages/:message_id',
    detail: { security: SECURITY },
  })
    .use(signedIn(authenticator))
    .get('/', ({ actor, params }) => messages.get(actor, params.chat_id, params.message_id), {
      params: MessageParams,
      response: { 200: Message, ...failures(...always) },
      detail: {
        tags,
        operationId: 'readMessage',
        summary: 'Read a message',
        description: 'A deleted one has its place, and no content.',
      },
    })
    .patch('/', ({ actor, params, body }) => messages.edit(actor, params.chat_id, params.message_id, body.content), {
      params: MessageParams,
      parse: jsonBody,
      body: MessageChange,
      response: {
        200: Message,
        ...failures(
          ...always,
          ...sent,
          'not_yours',
          'message_deleted',
          'answer_running',
          'too_many_edits',
          'chat_archived',
        ),
      },
      detail: {
        tags,
        operationId: 'editMessage',
        summary: 'Change what a message says',
        description: 'For its author. What it said before is kept. The same content again changes nothing.',
      },
    })
    .delete('/', ({ actor, params }) => messages.remove(actor, params.chat_id, params.message_id), {
      params: MessageParams,
      response: { 200: Message, ...failures(...always, 'not_yours', 'answer_running', 'chat_archived') },
      detail: {
        tags,
        operationId: 'deleteMessage',
        summary: 'Delete a message',
        description: 'For its author. Its content leaves every read, its place stays. Again: the same.',
      },
    })
    .get('/edits', ({ actor, params }) => messages.edits(actor, params.chat_id, params.message_id), {
      params: MessageParams,
      response: { 200: z.array(MessageEdit), ...failures(...always) },
      detail: {
        tags,
        operationId: 'listEdits',
        summary: 'List what a message said before',
        description: 'Oldest first; nothing of a deleted message.',
      },
    })
    .put(
      '/reactions/:reaction',
      async ({ actor, params: { chat_id, message_id, reaction } }) => {
        await messages.react(actor, chat_id, message_id, reaction)
        return messages.get(actor, chat_id, message_id)
      },
      {
        params: ReactionParams,
        response: { 200: Message, ...failures(...always, 'account_needed', 'message_deleted', 'chat_archived') },
        detail: {
          tags,
          operationId: 'addReaction',
          summary: 'React to a message',
          description:
            '`like` and `dislike` take the place of each other, of any emoji there is one of each. Again: the same.',
        },
      },
    )
    .delete(
      '/reactions/:reaction',
      async ({ actor, params: { chat_id, message_id, reaction } }) => {
        await messages.unreact(actor, chat_id, message_id, reaction)
        return messages.get(actor, chat_id, message_id)
      },
      {
        params: ReactionParams,
        response: { 200: Message, ...failures(...always, 'account_needed', 'message_deleted', 'chat_archived') },
        detail: {
          tags,
          operationId: 'removeReaction',
          summary: "Take the account's reaction back",
          description: 'Where there is none, nothing changes.',
        },
      },
    )
    .get('/siblings', ({ actor, params }) => branches.siblings(actor, params.chat_id, params.message_id), {
      params: MessageParams,
      response: { 200: z.array(Message), ...failures(...always) },
      detail: {
        tags,
        operationId: 'listSiblings',
        summary: "List what was said in a message's place",
        description: 'Itself included, oldest first: for a picker that shows 2 of 3.',
      },
    })
    .post(
      '/branches',
      async ({ actor, params: { chat_id, message_id: messageId }, body: { name, parent_id: parentId }, status }) =>
        status(201, await branches.create(actor, chat_id, { messageId, parentId, name })),
      {
        params: MessageParams,
        parse: jsonBody,
        body: NewBranch,
        response: {
          201: Branch,
          ...failures(...always, ...sent, 'branch_missing', 'message_deleted', 'too_many_branches', 'chat_archived'),
        },
        detail: {
          tags: ['Branches'],
          operationId: 'createBranch',
          summary: 'Make a branch at a message',
          description:
            'It shares the history up to and with the message, and copies nothing. It is not the active one yet.',
        },
      },
    )
    .post(
      '/divergence',
      async ({ actor, params: { chat_id, message_id }, body: { client_id, ...said }, request, status }) =>
        status(201, await branches.diverge(actor, chat_id, message_id, { ...said, ...clientIdOf(request, client_id) })),
      {
        params: MessageParams,
        parse: jsonBody,
        body: DivergingEdit,
        response: {
          201: Divergence,
          ...failures(
            ...always,
            ...sent,
            'message_deleted',
            'client_id_reused',
            'too_many_branches',
            'chat_archived',
            'file_missing',
          ),
        },
        detail: {
          tags: ['Branches'],
          operationId: 'divergeAtMessage',
          summary: "Say something else in a message's place",
          description:
            'Both are kept: a new branch shares the history before the message, begins with the new one, and is active.',
          parameters: [IDEMPOTENCY_KEY],
        },
      },
    )
}
