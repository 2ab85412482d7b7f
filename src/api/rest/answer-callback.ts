import { Elysia } from 'elysia'
import { AnswerCallback, CallbackParams, CallbackQuery, CallbackTaken } from '../../contract/answer-callback.ts'
import { failures } from '../../contract/failures.ts'
import type { AnswerCallbacks } from '../../domain/answers/callbacks.ts'
import { Refusal } from '../../domain/refusal.ts'
import { encoded } from '../encoded.ts'
import { loopLoad } from '../loop-load.ts'
import { documentBody } from '../plugins/document-body.ts'
import { JSON_BODY_MAX, jsonBody } from '../plugins/json-body.ts'
import type { RequestLog } from '../plugins/request-log.ts'

/**
 * The longest body, in bytes: the longest answer with every character escaped, or sources that say a lot. Every watcher is
 * told of them in one frame.
 */
const CALLBACK_MAX = 1_048_576

const TAKEN = JSON.stringify({ status: 'success' } satisfies CallbackTaken)

/** Where the AI service calls back: it has no account, but a URL for each answer. */
export function answerCallbackRoutes(callbacks: AnswerCallbacks, log: RequestLog) {
  return new Elysia({ name: 'rest/answer-callback' }).post(
    '/api/chats/:chat_id/messages/:message_id/callback',
    async ({ params: { chat_id, message_id }, query, body, request, set, status }) => {
      loopLoad.works()
      const { type, content, seq = null, sources } = body
      const answer = await callbacks.identify(chat_id, message_id, query.token)
      switch (type) {
        case null:
        case undefined:
        case '':
          throw new Refusal('data_type_missing')
        case 'chunk':
          if (!content) throw new Refusal('chunk_content_missing')
          await callbacks.chunk(answer, seq, content)
          log.quiet(request)
          break
        case 'complete': {
          const cited = (sources ?? []).map(({ title, url, content: said }) => ({
            title,
            ...(url == null ? {} : { url }),
            ...(said == null ? {} : { content: said }),
          }))
          await callbacks.complete(answer, seq, { content: content || null, sources: cited })
          break
        }
        case 'hand_over':
          await callbacks.person(answer, content || null)
          break
        default:
          return status(400, { detail: `Unknown data type: ${type}`, reason: 'data_type_unknown' as const })
      }
      return encoded<200, CallbackTaken>(set, 200, TAKEN)
    },
    {
      params: CallbackParams,
      query: CallbackQuery,
      parse: async ({ request, params: { chat_id, message_id } }) => {
        if (isShort(request)) return jsonBody({ request })
        // A large body is read for those only whom somebody waits for.
        await callbacks.identify(chat_id, message_id, new URL(request.url).searchParams.get('token') ?? undefined)
        return documentBody(request, CALLBACK_MAX)
      },
      body: AnswerCallback,
      response: {
        200: CallbackTaken,
        ...failures(
          'host_invalid',
          'data_type_missing',
          'data_type_unknown',
          'chunk_content_missing',
          'answer_content_missing',
          'token_invalid',
          'message_missing',
          'answer_over',
          'too_many_pieces',
          'body_too_large',
          'not_json',
          'invalid',
          'storage_unavailable',
          'internal',
        ),
      },
      detail: {
        tags: ['Answers'],
        operationId: 'answerCallback',
        summary: 'Say more of an answer, or its end (for the AI service)',
        description:
          'The URL, with its token, is given to the AI service together with the question, and is good for that answer alone, until its deadline.',
      },
    },
  )
}

function isShort({ headers }: Request): boolean {
  const length = headers.get('content-length')
  return length !== null && Number(length) <= JSON_BODY_MAX
}
