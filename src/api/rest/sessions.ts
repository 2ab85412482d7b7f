import { Elysia } from 'elysia'
import { z } from 'zod'
import type { Config } from '../../config.ts'
import { failures } from '../../contract/failures.ts'
import {
  ClearedConversation,
  Conversation,
  NewSessionMessage,
  SessionPage,
  SessionPageQuery,
  SessionParams,
  SessionSummary,
} from '../../contract/sessions.ts'
import type { Authenticator } from '../../domain/accounts/authenticator.ts'
import { conversationText, type SessionService } from '../../domain/sessions/service.ts'
import { encoded } from '../encoded.ts'
import { access, securityOf } from '../plugins/access.ts'
import { jsonBody } from '../plugins/json-body.ts'
import { SIGNED_IN } from '../plugins/signed-in.ts'

const tags = ['Sessions']
const refusals = failures(...SIGNED_IN, 'invalid', 'internal')

const LISTED = {
  description: 'A page of sessions.',
  headers: {
    link: {
      description: 'The next page, where there may be one.',
      schema: { type: 'string' as const },
      example: '</v1/chat/sessions?limit=1000&after=my-session>; rel="next"',
    },
  },
}

/** The Sessions API: conversations that expire. */
export function sessionRoutes(sessions: SessionService, authenticator: Authenticator, config: Config) {
  return new Elysia({
    name: 'rest/sessions',
    prefix: '/v1/chat/sessions',
    detail: { security: securityOf(config, 'sessions') },
  })
    .use(access(config, 'sessions', authenticator))
    .get(
      '/',
      async ({ owner, query, set, request }) => {
        const { limit, after } = SessionPage.parse(query)
        const page = await sessions.list(owner, { limit, after })
        const last = page.at(-1)
        if (last !== undefined && page.length === limit) {
          set.headers['link'] = nextPage(request.url, limit, last.session_id)
        }
        return page
      },
      {
        query: SessionPageQuery,
        response: { 200: z.array(SessionSummary), ...refusals },
        detail: {
          tags,
          operationId: 'listSessions',
          summary: 'List the sessions that hold messages',
          description:
            'By session_id. At most `limit` (1000); where there may be more, a `Link` header with `rel="next"` names the next page.',
          responses: { 200: LISTED },
        },
      },
    )
    .get(
      '/:session_id/messages',
      async ({ owner, params: { session_id }, set }) => {
        const { messages } = await sessions.read({ owner, id: session_id })
        return encoded<200, Conversation>(set, 200, conversationText(session_id, messages))
      },
      {
        params: SessionParams,
        response: { 200: Conversation, ...refusals },
        detail: {
          tags,
          operationId: 'readSession',
          summary: 'Read a session',
          description:
            'A session that nobody posted to, or that expired, has no messages. Reading does not keep it alive.',
        },
      },
    )
    .post(
      '/:session_id/messages',
      async ({ owner, params: { session_id }, body, set }) => {
        const { messages } = await sessions.post({ owner, id: session_id }, body)
        return encoded<201, Conversation>(set, 201, conversationText(session_id, messages))
      },
      {
        params: SessionParams,
        parse: jsonBody,
        body: NewSessionMessage,
        response: { 201: Conversation, ...refusals, ...failures('session_promoted', 'body_too_large', 'not_json') },
        detail: {
          tags,
          operationId: 'postSessionMessage',
          summary: 'Post a message to a session',
          description:
            'Answers with the whole conversation, renews its time to live, and tells everyone who watches it.',
        },
      },
    )
    .delete(
      '/:session_id',
      async ({ owner, params: { session_id } }) => {
        await sessions.clear({ owner, id: session_id })
        return { session_id, messages: [] }
      },
      {
        params: SessionParams,
        response: { 200: ClearedConversation, ...refusals, ...failures('session_promoted') },
        detail: {
          tags,
          operationId: 'clearSession',
          summary: 'Clear a session',
          description: 'Answers with the session, now empty, also when it was before.',
        },
      },
    )
}

function nextPage(url: string, limit: number, after: string): string {
  const next = new URL(url)
  next.search = new URLSearchParams({ limit: String(limit), after }).toString()
  return `<${next.pathname}${next.search}>; rel="next"`
}
