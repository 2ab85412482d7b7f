import { Elysia } from 'elysia'
import { z } from 'zod'
import { ChatChange, ChatParams, ReadCursor, ReadMark } from '../../contract/chat-calls.ts'
import { Chat } from '../../contract/chats.ts'
import { failures } from '../../contract/failures.ts'
import type { Authenticator } from '../../domain/accounts/authenticator.ts'
import type { ChatServices } from '../../domain/chats/services.ts'
import { jsonBody } from '../plugins/json-body.ts'
import { SECURITY, SIGNED_IN, signedIn } from '../plugins/signed-in.ts'

const tags = ['Chats']
const always = [...SIGNED_IN, 'chat_missing', 'invalid', 'internal'] as const
const sent = ['body_too_large', 'not_json'] as const

/** A chat as a whole, beyond the documented API. */
export function chatChangeRoutes({ chats, messages, reader }: ChatServices, authenticator: Authenticator) {
  return new Elysia({ name: 'rest/chat-changes', prefix: '/api/chats/:chat_id', detail: { security: SECURITY } })
    .use(signedIn(authenticator))
    .patch('/', ({ actor, params, body }) => chats.update(actor, params.chat_id, body), {
      params: ChatParams,
      parse: jsonBody,
      body: ChatChange,
      response: { 200: Chat, ...failures(...always, ...sent) },
      detail: {
        tags,
        operationId: 'changeChat',
        summary: 'Rename a chat, change its metadata, archive it or take it out of the archive',
        description: 'What is left out stays as it is.',
      },
    })
    .delete(
      '/',
      async ({ actor, params, set }) => {
        await chats.remove(actor, params.chat_id)
        set.status = 204
      },
      {
        params: ChatParams,
        response: { 204: z.void().meta({ description: 'Deleted.' }), ...failures(...always) },
        detail: {
          tags,
          operationId: 'deleteChat',
          summary: 'Delete a chat',
          description: 'It leaves every list and read, and can be restored.',
        },
      },
    )
    .post('/restore', ({ actor, params }) => chats.restore(actor, params.chat_id), {
      params: ChatParams,
      response: { 200: Chat, ...failures(...always) },
      detail: {
        tags,
        operationId: 'restoreChat',
        summary: 'Bring a deleted chat back',
        description: 'One that is not deleted stays as it is.',
      },
    })
    .get('/read-cursor', ({ actor, params }) => reader.readCursor(actor, params.chat_id), {
      params: ChatParams,
      response: { 200: ReadCursor, ...failures(...always) },
      detail: {
        tags,
        operationId: 'readReadCursor',
        summary: 'Tell how far the account has read',
        description: 'Position 0 of the root branch where it has not said so yet.',
      },
    })
    .put('/read-cursor', ({ actor, params, body }) => messages.moveReadCursor(actor, params.chat_id, body.message_id), {
      params: ChatParams,
      parse: jsonBody,
      body: ReadMark,
      response: { 200: ReadCursor, ...failures(...always, ...sent, 'account_needed', 'message_missing') },
      detail: {
        tags,
        operationId: 'moveReadCursor',
        summary: 'Say that the account has read a message and all before it',
        description: 'It may move back: unread again.',
      },
    })
}
