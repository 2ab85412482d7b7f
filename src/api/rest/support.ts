import { Elysia } from 'elysia'
import { z } from 'zod'
import type { Config } from '../../config.ts'
import { MessageChange } from '../../contract/chat-calls.ts'
import { failures } from '../../contract/failures.ts'
import {
  NewSupportMessage,
  NewSupportSession,
  SESSION_MESSAGES_MAX,
  SupportListQuery,
  SupportMessage,
  SupportMessageParams,
  SupportPageQuery,
  SupportParams,
  SupportSession,
  SupportSessionChange,
  SupportSessionWithMessages,
  SupportUserParams,
} from '../../contract/support.ts'
import type { Authenticator } from '../../domain/accounts/authenticator.ts'
import type { SupportService } from '../../domain/support/service.ts'
import { participantAccess, participantSecurityOf } from '../plugins/access.ts'
import { clientIdOf, IDEMPOTENCY_KEY } from '../plugins/idempotency.ts'
import { jsonBody } from '../plugins/json-body.ts'
import { PARTICIPATING } from '../plugins/signed-in.ts'

const tags = ['Support']
const always = [...PARTICIPATING, 'invalid', 'internal'] as const
const ofSession = [...always, 'session_missing'] as const
const changed = [...ofSession, 'forbidden', 'not_assigned'] as const
const sent = ['body_too_large', 'not_json'] as const

/** The Support API: chats that people handle. */
export function supportRoutes(support: SupportService, authenticator: Authenticator, config: Config) {
  return new Elysia({
    name: 'rest/support',
    prefix: '/api/v1',
    detail: { security: participantSecurityOf(config, 'support') },
  })
    .use(participantAccess(config, 'support', authenticator))
    .post('/sessions', ({ actor, body }) => support.create(actor, body), {
      parse: jsonBody,
      body: NewSupportSession,
      response: { 200: SupportSession, ...failures(...always, ...sent, 'forbidden') },
      detail: {
        tags,
        operationId: 'createSupportSession',
        summary: 'Open a session',
        description:
          'Without an agent it waits in the queue; with `answering`, the AI answers until somebody asks for a person. A user opens sessions of its own, and an agent takes none but its own.',
      },
    })
    .get('/sessions/:session_id', ({ actor, params }) => support.read(actor, params.session_id), {
      params: SupportParams,
      response: { 200: SupportSessionWithMessages, ...failures(...ofSession) },
      detail: {
        tags,
        operationId: 'readSupportSession',
        summary: 'Read a session with its first messages',
        description: `The first ${SESSION_MESSAGES_MAX} that are not deleted, oldest first. Its id is the id of its chat: watch that on the live socket.`,
      },
    })
    .patch('/sessions/:session_id', ({ actor, params, body }) => support.update(actor, params.session_id, body), {
      params: SupportParams,
      parse: jsonBody,
      body: SupportSessionChange,
      response: {
        200: SupportSession,
        ...failures(...changed, ...sent, 'agent_missing', 'agent_unavailable', 'agent_full', 'answer_running'),
      },
      detail: {
        tags,
        operationId: 'updateSupportSession',
        summary: 'Change a session',
        description:
          '`ended` ends it, any other status lets one that has ended go on. A customer may end its session and change its metadata; the rest is for its agent, admins and back ends.',
      },
    })
    .post('/sessions/:session_id/end', ({ actor, params }) => support.end(actor, params.session_id), {
      params: SupportParams,
      response: { 200: SupportSession, ...failures(...changed, 'answer_running') },
      detail: {
        tags,
        operationId: 'endSupportSession',
        summary: 'End a session',
        description: 'It takes no more messages. Again: the same.',
      },
    })
    .post('/sessions/:session_id/hand-over', ({ actor, params }) => support.askForPerson(actor, params.session_id), {
      params: SupportParams,
      response: { 200: SupportSession, ...failures(...changed, 'session_ended', 'answer_running') },
      detail: {
        tags,
        operationId: 'handOverSupportSession',
        summary: 'Ask for a person in place of the AI',
        description:
          'What the AI is saying is stopped and kept, the session waits in the queue, and the AI says nothing more, all at once. Again: the same.',
      },
    })
    .post('/sessions/:session_id/reopen', ({ actor, params }) => support.reopen(actor, params.session_id), {
      params: SupportParams,
      response: { 200: SupportSession, ...failures(...changed, 'agent_full') },
      detail: {
        tags,
        operationId: 'reopenSupportSession',
        summary: 'Let a session that has ended go on',
        description: 'With the agent who does this and had it last; else it waits in the queue.',
      },
    })
    .get(
      '/sessions/:session_id/messages',
      ({ actor, params, query: { limit = 100, offset = 0 } }) =>
        support.messages(actor, params.session_id, { limit, offset }),
      {
        params: SupportParams,
        query: SupportPageQuery,
        response: { 200: z.array(SupportMessage), ...failures(...ofSession) },
        detail: {
          tags,
          operationId: 'listSupportMessages',
          summary: 'List the messages of a session',
          description: 'Oldest first, without those that are deleted.',
        },
      },
    )
    .post(
      '/sessions/:session_id/messages',
      ({ actor, params, body, request }) =>
        support.post(actor, params.session_id, { ...body, ...clientIdOf(request, body.client_id ?? undefined) }),
      {
        params: SupportParams,
        parse: jsonBody,
        body: NewSupportMessage,
        response: {
          200: SupportMessage,
          ...failures(...changed, ...sent, 'session_ended', 'client_id_reused', 'chat_archived', 'overloaded'),
        },
        detail: {
          tags,
          operationId: 'postSupportMessage',
          summary: 'Post a message to a session',
          description:
            'Customers and agents write as themselves; admins, back ends, and whoever calls where the API is public, as anybody. One that has ended takes none.',
          parameters: [IDEMPOTENCY_KEY],
        },
      },
    )
    .get(
      '/users/:user_id/sessions',
      ({ actor, params, query: { active_only: activeOnly = false, limit = 100, offset = 0 } }) =>
        support.ofUser(actor, params.user_id, { activeOnly, limit, offset }),
      {
        params: SupportUserParams,
        query: SupportListQuery,
        response: { 200: z.array(SupportSession), ...failures(...always, 'forbidden') },
        detail: {
          tags,
          operationId: 'listSupportSessions',
          summary: "List a customer's sessions",
          description: 'The newest first. Of others’, an agent is told of those that it holds and those that wait.',
        },
      },
    )
    .patch('/messages/:message_id', ({ actor, params, body }) => support.edit(actor, params.message_id, body.content), {
      params: SupportMessageParams,
      parse: jsonBody,
      body: MessageChange,
      response: {
        200: SupportMessage,
        ...failures(
          ...always,
          ...sent,
          'message_missing',
          'message_deleted',
          'not_yours',
          'not_assigned',
          'answer_running',
          'too_many_edits',
          'chat_archived',
        ),
      },
      detail: {
        tags,
        operationId: 'editSupportMessage',
        summary: 'Change what a message says',
        description:
          'For its author. What it said before is kept, as an extension of the message. The same content again changes nothing.',
      },
    })
    .delete('/messages/:message_id', ({ actor, params }) => support.remove(actor, params.message_id), {
      params: SupportMessageParams,
      response: {
        200: SupportMessage,
        ...failures(...always, 'message_missing', 'not_yours', 'not_assigned', 'answer_running', 'chat_archived'),
      },
      detail: {
        tags,
        operationId: 'deleteSupportMessage',
        summary: 'Delete a message',
        description: 'For its author. Its content leaves every read, its place stays. Again: the same.',
      },
    })
}
