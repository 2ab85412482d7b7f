import { Elysia } from 'elysia'
import { z } from 'zod'
import type { Config } from '../../config.ts'
import {
  ANSWER_TEXT_MAX,
  DeskHistoryQuery,
  DeskMessage,
  DeskPageQuery,
  DeskParams,
  DeskSession,
  LISTED_MESSAGES_MAX,
  NewDeskMessage,
  NewDeskSession,
  NewestDeskSession,
} from '../../contract/desk.ts'
import { failures } from '../../contract/failures.ts'
import type { Authenticator } from '../../domain/accounts/authenticator.ts'
import type { DeskService } from '../../domain/desk/service.ts'
import { access, securityOf } from '../plugins/access.ts'
import { jsonBody } from '../plugins/json-body.ts'
import { SIGNED_IN } from '../plugins/signed-in.ts'

const tags = ['Desk']
const always = [...SIGNED_IN, 'invalid', 'internal'] as const
const sent = ['body_too_large', 'not_json', 'overloaded'] as const

/** The Desk API: chats under the ids that clients choose. */
export function deskRoutes(desk: DeskService, authenticator: Authenticator, config: Config) {
  return new Elysia({ name: 'rest/desk', prefix: '/api/sessions', detail: { security: securityOf(config, 'desk') } })
    .use(access(config, 'desk', authenticator))
    .get(
      '/',
      ({ owner, actor, query: { limit = 100, offset = 0 } }) => desk.list({ owner, actor }, { limit, offset }),
      {
        query: DeskPageQuery,
        response: { 200: z.array(DeskSession), ...failures(...always) },
        detail: {
          tags,
          operationId: 'listDeskSessions',
          summary: 'List the sessions with their messages',
          description: `The newest session first, by \`created_at\`. Each comes with its newest ${LISTED_MESSAGES_MAX} messages, and all of them together with at most ${ANSWER_TEXT_MAX / 1_048_576} MiB of text: past it the oldest sessions of the page come with fewer messages, or none. Reading a session by itself gives more.`,
        },
      },
    )
    .post('/', ({ owner, actor, body }) => desk.create({ owner, actor }, body), {
      parse: jsonBody,
      body: NewDeskSession,
      response: { 200: NewestDeskSession, ...failures(...always, ...sent, 'session_exists') },
      detail: {
        tags,
        operationId: 'createDeskSession',
        summary: 'Make a session',
        description: 'Its id may be chosen, once for each owner. A `created_at` that is given is kept.',
      },
    })
    .get(
      '/:session_id',
      ({ owner, actor, params, query: { limit = 1000, offset = 0 } }) =>
        desk.read({ owner, actor }, params.session_id, { limit, offset }),
      {
        params: DeskParams,
        query: DeskHistoryQuery,
        response: { 200: DeskSession, ...failures(...always, 'session_missing') },
        detail: {
          tags,
          operationId: 'readDeskSession',
          summary: 'Read a session with its messages',
          description: `Oldest first: the newest \`limit\` (1000) of them, at most ${ANSWER_TEXT_MAX / 1_048_576} MiB of text. \`offset\` gives those before.`,
        },
      },
    )
    .post(
      '/:session_id/messages',
      ({ owner, actor, params, body }) => desk.post({ owner, actor }, params.session_id, body),
      {
        params: DeskParams,
        parse: jsonBody,
        body: NewDeskMessage,
        response: {
          200: DeskMessage,
          ...failures(...always, ...sent, 'session_missing', 'chat_archived', 'session_ended'),
        },
        detail: {
          tags,
          operationId: 'postDeskMessage',
          summary: 'Post a message to a session',
          description:
            'A `timestamp` that is given is kept as it was sent. A message of the `user` is answered afterwards: the answer is stored, and told on the socket.',
        },
      },
    )
}
