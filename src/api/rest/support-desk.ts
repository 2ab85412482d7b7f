import { Elysia } from 'elysia'
import { z } from 'zod'
import { failures } from '../../contract/failures.ts'
import { SupportPageQuery, SupportParams, SupportSession } from '../../contract/support.ts'
import {
  AgentParams,
  AgentState,
  AgentStateChange,
  Assignment,
  NewSupportNote,
  QueueQuery,
  StatisticsQuery,
  SupportNote,
  SupportQueue,
  SupportStatistics,
  SupportTransfer,
} from '../../contract/support-desk.ts'
import type { Authenticator } from '../../domain/accounts/authenticator.ts'
import type { SupportDesk } from '../../domain/support/desk.ts'
import { jsonBody } from '../plugins/json-body.ts'
import { SECURITY, SIGNED_IN, signedIn } from '../plugins/signed-in.ts'

const tags = ['Support desk']
const always = [...SIGNED_IN, 'forbidden', 'invalid', 'internal'] as const
const ofSession = [...always, 'session_missing', 'not_assigned'] as const
const given = [...ofSession, 'session_ended', 'agent_missing', 'agent_unavailable', 'agent_full'] as const
const sent = ['body_too_large', 'not_json'] as const

/** What agents do. It wants a token also where the Support API is public: what is here is not for customers. */
export function supportDeskRoutes(desk: SupportDesk, authenticator: Authenticator) {
  return new Elysia({ name: 'rest/support-desk', prefix: '/api/v1', detail: { security: SECURITY } })
    .use(signedIn(authenticator))
    .get('/support/queue', ({ actor, query: { limit = 100, offset = 0 } }) => desk.queue(actor, { limit, offset }), {
      query: QueueQuery,
      response: { 200: SupportQueue, ...failures(...always) },
      detail: {
        tags,
        operationId: 'readSupportQueue',
        summary: 'List the sessions that wait',
        description: 'Those that wait longest first.',
      },
    })
    .post('/sessions/:session_id/claim', ({ actor, params }) => desk.claim(actor, params.session_id), {
      params: SupportParams,
      response: {
        200: SupportSession,
        ...failures(...always, 'session_missing', 'already_claimed', 'session_ended', 'agent_full', 'account_needed'),
      },
      detail: {
        tags,
        operationId: 'claimSupportSession',
        summary: 'Take a session that waits',
        description: 'Of several agents who do so at once one has it. Again: the same.',
      },
    })
    .post(
      '/sessions/:session_id/assign',
      ({ actor, params, body }) => desk.assign(actor, params.session_id, body.agent_id),
      {
        params: SupportParams,
        parse: jsonBody,
        body: Assignment,
        response: { 200: SupportSession, ...failures(...given, ...sent) },
        detail: {
          tags,
          operationId: 'assignSupportSession',
          summary: 'Give a session to an agent',
          description:
            'For admins and back ends; an agent hands on what it has. A back end may name agents who have no account.',
        },
      },
    )
    .post(
      '/sessions/:session_id/transfer',
      ({ actor, params, body }) => desk.transfer(actor, params.session_id, body),
      {
        params: SupportParams,
        parse: jsonBody,
        body: SupportTransfer,
        response: { 200: SupportSession, ...failures(...given, ...sent) },
        detail: {
          tags,
          operationId: 'transferSupportSession',
          summary: 'Hand a session on',
          description: 'To another agent, or back to the queue, with a note that no customer is told of.',
        },
      },
    )
    .post('/sessions/:session_id/give-back', ({ actor, params }) => desk.giveBack(actor, params.session_id), {
      params: SupportParams,
      response: { 200: SupportSession, ...failures(...ofSession, 'no_answerer') },
      detail: {
        tags,
        operationId: 'giveBackSupportSession',
        summary: 'Give a session back to the AI',
        description:
          'It answers what the customer said last, where nobody has, and from then on; nobody has the session any more.',
      },
    })
    .get(
      '/sessions/:session_id/notes',
      ({ actor, params, query: { limit = 100, offset = 0 } }) =>
        desk.notes(actor, params.session_id, { limit, offset }),
      {
        params: SupportParams,
        query: SupportPageQuery,
        response: { 200: z.array(SupportNote), ...failures(...always, 'session_missing') },
        detail: {
          tags,
          operationId: 'listSupportNotes',
          summary: 'List the notes of a session',
          description: 'Oldest first. For agents who see the session, admins and back ends.',
        },
      },
    )
    .post(
      '/sessions/:session_id/notes',
      ({ actor, params, body }) => desk.note(actor, params.session_id, body.content),
      {
        params: SupportParams,
        parse: jsonBody,
        body: NewSupportNote,
        response: { 200: SupportNote, ...failures(...ofSession, ...sent) },
        detail: {
          tags,
          operationId: 'createSupportNote',
          summary: 'Write a note',
          description: 'For agents alone: it is no message, and in nothing that a customer reads.',
        },
      },
    )
    .get('/support/agents', ({ actor }) => desk.agents(actor), {
      response: { 200: z.array(AgentState), ...failures(...always) },
      detail: {
        tags,
        operationId: 'listSupportAgents',
        summary: 'List the agents',
        description: 'Those that said something of themselves, or have sessions.',
      },
    })
    .patch('/support/agents/:agent_id', ({ actor, params, body }) => desk.changeAgent(actor, params.agent_id, body), {
      params: AgentParams,
      parse: jsonBody,
      body: AgentStateChange,
      response: { 200: AgentState, ...failures(...always, ...sent) },
      detail: {
        tags,
        operationId: 'updateSupportAgent',
        summary: 'Say whether an agent is available, and how many sessions it takes',
        description: 'Of itself; admins and back ends of any.',
      },
    })
    .get('/support/statistics', ({ actor, query: { days = 7 } }) => desk.statistics(actor, days), {
      query: StatisticsQuery,
      response: { 200: SupportStatistics, ...failures(...always) },
      detail: {
        tags,
        operationId: 'readSupportStatistics',
        summary: 'Count sessions and their times',
        description: 'As of now, and by agent and by day.',
      },
    })
}
