import { Elysia } from 'elysia'
import { Divergence, DivergingEdit } from '../../contract/branch-calls.ts'
import { MessageParams } from '../../contract/chat-calls.ts'
import { Message } from '../../contract/chats.ts'
import { failures } from '../../contract/failures.ts'
import type { Authenticator } from '../../domain/accounts/authenticator.ts'
import type { AnswerService } from '../../domain/answers/service.ts'
import { clientIdOf, IDEMPOTENCY_KEY } from '../plugins/idempotency.ts'
import { jsonBody } from '../plugins/json-body.ts'
import { SECURITY, SIGNED_IN, signedIn } from '../plugins/signed-in.ts'

const tags = ['Answers']
const always = [...SIGNED_IN, 'chat_missing', 'message_missing', 'invalid', 'internal'] as const
const ofAnswer = [...always, 'not_answered'] as const

/** What is asked of an answer: it stops, goes on, or is made once more. */
export function answerRoutes(answers: AnswerService, authenticator: Authenticator) {
  return new Elysia({
    name: 'rest/answers',
    prefix: '/api/chats/:chat_id/messages/:message_id',
    detail: { security: SECURITY },
  })
    .use(signedIn(authenticator))
    .post('/stop', ({ actor, params }) => answers.stop(actor, params.chat_id, params.message_id), {
      params: MessageParams,
      response: { 200: Message, ...failures(...ofAnswer) },
      detail: {
        tags,
        operationId: 'stopAnswer',
        summary: 'Stop an answer',
        description: 'What it said is kept. One that has ended stays as it is. From any tab, on any instance.',
      },
    })
    .post('/continue', ({ actor, params }) => answers.continue(actor, params.chat_id, params.message_id), {
      params: MessageParams,
      response: {
        200: Message,
        ...failures(
          ...ofAnswer,
          'no_answerer',
          'answered_by_people',
          'answer_running',
          'answer_over',
          'message_deleted',
          'too_many_answers',
          'chat_archived',
        ),
      },
      detail: {
        tags,
        operationId: 'continueAnswer',
        summary: 'Go on with an answer',
        description:
          'In the same message, after what it says: for one that was stopped or has failed. It is `processing` from now on, or `pending` while another answer of its branch is being made.',
      },
    })
    .post(
      '/regenerate',
      async ({ actor, params, status }) =>
        status(201, await answers.regenerate(actor, params.chat_id, params.message_id)),
      {
        params: MessageParams,
        response: {
          201: Message,
          ...failures(
            ...ofAnswer,
            'no_answerer',
            'answered_by_people',
            'answer_running',
            'message_deleted',
            'too_many_branches',
            'chat_archived',
            'file_missing',
          ),
        },
        detail: {
          tags,
          operationId: 'regenerateAnswer',
          summary: 'Answer once more',
          description:
            'The new answer is in a branch of its own beside the old one, which is active from then on: both are kept.',
        },
      },
    )
    .post(
      '/resend',
      async ({ actor, params: { chat_id, message_id }, body: { client_id, ...said }, request, status }) =>
        status(201, await answers.resend(actor, chat_id, message_id, { ...said, ...clientIdOf(request, client_id) })),
      {
        params: MessageParams,
        parse: jsonBody,
        body: DivergingEdit,
        response: {
          201: Divergence,
          ...failures(
            ...always,
            'body_too_large',
            'not_json',
            'message_deleted',
            'client_id_reused',
            'too_many_branches',
            'chat_archived',
          ),
        },
        detail: {
          tags,
          operationId: 'resendMessage',
          summary: 'Ask something else in the place of a message',
          description: 'In a branch of its own, which is active from then on; it is answered there.',
          parameters: [IDEMPOTENCY_KEY],
        },
      },
    )
}
