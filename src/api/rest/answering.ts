import { Elysia } from 'elysia'
import { AnsweringChange, ChatAnswering } from '../../contract/answering.ts'
import { ChatParams } from '../../contract/chat-calls.ts'
import { failures } from '../../contract/failures.ts'
import type { Authenticator } from '../../domain/accounts/authenticator.ts'
import type { AnsweringService } from '../../domain/chats/answering.ts'
import { jsonBody } from '../plugins/json-body.ts'
import { SECURITY, SIGNED_IN, signedIn } from '../plugins/signed-in.ts'

const tags = ['Answers']
const ofChat = [...SIGNED_IN, 'chat_missing', 'forbidden', 'invalid', 'internal'] as const

/** How a chat is answered. */
export function answeringRoutes(answering: AnsweringService, authenticator: Authenticator) {
  return new Elysia({
    name: 'rest/answering',
    prefix: '/api/chats/:chat_id/answering',
    detail: { security: SECURITY },
  })
    .use(signedIn(authenticator))
    .get('/', ({ actor, params }) => answering.get(actor, params.chat_id), {
      params: ChatParams,
      response: { 200: ChatAnswering, ...failures(...ofChat) },
      detail: {
        tags,
        operationId: 'readAnswering',
        summary: 'Read how a chat is answered',
        description:
          'By whom, told what, and with how much of what was said before. For who may change it; all others who may read the chat are told by its events, which do not have the system prompt.',
      },
    })
    .patch('/', ({ actor, params, body }) => answering.change(actor, params.chat_id, body), {
      params: ChatParams,
      parse: jsonBody,
      body: AnsweringChange,
      response: { 200: ChatAnswering, ...failures(...ofChat, 'answerer_missing', 'body_too_large', 'not_json') },
      detail: {
        tags,
        operationId: 'changeAnswering',
        summary: 'Change how a chat is answered',
        description:
          'What is left out stays as it is; null is what the server does by itself. It counts for answers that begin from then on.',
      },
    })
}
