import { z } from 'zod'

/** How one reason to say no looks at every door: HTTP, tRPC and a socket's close. */
export type Failure = {
  /** HTTP status. */
  status: 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 416 | 422 | 426 | 429 | 500 | 502 | 503 | 504
  trpc:
    | 'BAD_REQUEST'
    | 'UNAUTHORIZED'
    | 'FORBIDDEN'
    | 'NOT_FOUND'
    | 'METHOD_NOT_SUPPORTED'
    | 'CONFLICT'
    | 'PAYLOAD_TOO_LARGE'
    | 'UNSUPPORTED_MEDIA_TYPE'
    | 'UNPROCESSABLE_CONTENT'
    | 'TOO_MANY_REQUESTS'
    | 'INTERNAL_SERVER_ERROR'
    | 'BAD_GATEWAY'
    | 'SERVICE_UNAVAILABLE'
    | 'GATEWAY_TIMEOUT'
  /** What a person reads. */
  detail: string
}

/** Every reason the server refuses for. Adding a failure is adding a line here. */
export const FAILURES = {
  host_invalid: { status: 400, trpc: 'BAD_REQUEST', detail: 'The Host header is not a valid host name.' },
  unauthenticated: { status: 401, trpc: 'UNAUTHORIZED', detail: 'Not authenticated' },
  token_invalid: { status: 401, trpc: 'UNAUTHORIZED', detail: 'The token is not valid, has expired, or was revoked.' },
  credentials_wrong: { status: 401, trpc: 'UNAUTHORIZED', detail: 'Incorrect username or password' },
  password_wrong: { status: 403, trpc: 'FORBIDDEN', detail: 'The password is not the right one.' },
  forbidden: { status: 403, trpc: 'FORBIDDEN', detail: 'Access forbidden' },
  chat_not_authorized: { status: 403, trpc: 'FORBIDDEN', detail: 'Not authorized to access this chat' },
  account_needed: { status: 403, trpc: 'FORBIDDEN', detail: 'Only an account can do this, not a service.' },
  not_for_visitors: { status: 403, trpc: 'FORBIDDEN', detail: 'A visitor may write to support, and nothing else.' },
  service_needed: { status: 403, trpc: 'FORBIDDEN', detail: 'Only a back end with the service key can do this.' },
  not_yours: { status: 403, trpc: 'FORBIDDEN', detail: 'Only its author may change this message.' },
  not_assigned: { status: 403, trpc: 'FORBIDDEN', detail: 'Only the agent who has the session may do this.' },
  origin_forbidden: { status: 403, trpc: 'FORBIDDEN', detail: 'This origin may not open a socket here.' },
  email_taken: { status: 400, trpc: 'BAD_REQUEST', detail: 'Email already registered' },
  username_taken: { status: 400, trpc: 'BAD_REQUEST', detail: 'Username already taken' },
  username_registered: { status: 400, trpc: 'BAD_REQUEST', detail: 'Username already registered' },
  file_empty: { status: 400, trpc: 'BAD_REQUEST', detail: 'The file is empty.' },
  upload_broken: { status: 400, trpc: 'BAD_REQUEST', detail: 'The form is broken off or cannot be read.' },
  data_type_missing: { status: 400, trpc: 'BAD_REQUEST', detail: 'Missing data type' },
  data_type_unknown: { status: 400, trpc: 'BAD_REQUEST', detail: 'Unknown data type' },
  chunk_content_missing: { status: 400, trpc: 'BAD_REQUEST', detail: 'Missing chunk content' },
  answer_content_missing: { status: 400, trpc: 'BAD_REQUEST', detail: 'Missing message content' },
  chat_missing: { status: 404, trpc: 'NOT_FOUND', detail: 'Chat not found' },
  message_missing: { status: 404, trpc: 'NOT_FOUND', detail: 'Message not found' },
  extension_missing: { status: 404, trpc: 'NOT_FOUND', detail: 'Extension not found' },
  response_missing: { status: 404, trpc: 'NOT_FOUND', detail: 'Response not found' },
  branch_missing: { status: 404, trpc: 'NOT_FOUND', detail: 'Branch not found for this chat' },
  session_missing: { status: 404, trpc: 'NOT_FOUND', detail: 'Session not found' },
  agent_missing: { status: 404, trpc: 'NOT_FOUND', detail: 'Agent not found' },
  account_missing: { status: 404, trpc: 'NOT_FOUND', detail: 'Account not found' },
  session_empty: { status: 404, trpc: 'NOT_FOUND', detail: 'The session holds no messages.' },
  file_missing: { status: 404, trpc: 'NOT_FOUND', detail: 'File not found' },
  preview_missing: { status: 404, trpc: 'NOT_FOUND', detail: 'Preview not available' },
  not_found: { status: 404, trpc: 'NOT_FOUND', detail: 'Not Found' },
  method_not_allowed: { status: 405, trpc: 'METHOD_NOT_SUPPORTED', detail: 'Method Not Allowed' },
  last_admin: { status: 409, trpc: 'CONFLICT', detail: 'This is the only admin: make another one first.' },
  branch_moved: { status: 409, trpc: 'CONFLICT', detail: 'Another branch was made the active one meanwhile.' },
  branch_kept: { status: 409, trpc: 'CONFLICT', detail: 'A branch is not deleted by itself: delete its chat.' },
  too_many_edits: { status: 409, trpc: 'CONFLICT', detail: 'The message was edited as often as one may be.' },
  too_many_reactions: { status: 409, trpc: 'CONFLICT', detail: 'The message has as many reactions as it may have.' },
  too_many_attachments: {
    status: 409,
    trpc: 'CONFLICT',
    detail: 'The message has as many attachments as one may have.',
  },
  extension_kept: { status: 409, trpc: 'CONFLICT', detail: 'What a message said before an edit stays.' },
  too_many_branches: { status: 409, trpc: 'CONFLICT', detail: 'The chat has as many branches as one may have.' },
  client_id_reused: { status: 409, trpc: 'CONFLICT', detail: 'This client_id was used for another message.' },
  chat_archived: { status: 409, trpc: 'CONFLICT', detail: 'The chat is archived: restore it from the archive first.' },
  message_deleted: { status: 409, trpc: 'CONFLICT', detail: 'The message was deleted.' },
  session_exists: { status: 409, trpc: 'CONFLICT', detail: 'A session with this id exists already.' },
  chat_exists: { status: 409, trpc: 'CONFLICT', detail: 'A chat with this id exists already.' },
  session_promoted: { status: 409, trpc: 'CONFLICT', detail: 'The session has become a chat, or is about to.' },
  already_claimed: { status: 409, trpc: 'CONFLICT', detail: 'The session does not wait any more: somebody has it.' },
  agent_full: { status: 409, trpc: 'CONFLICT', detail: 'The agent has as many sessions as it takes at once.' },
  agent_unavailable: { status: 409, trpc: 'CONFLICT', detail: 'The agent is not available.' },
  session_ended: { status: 409, trpc: 'CONFLICT', detail: 'The session has ended: reopen it first.' },
  session_unreadable: {
    status: 409,
    trpc: 'CONFLICT',
    detail: 'Some of the session cannot be read. It stays as it is.',
  },
  message_exists: { status: 409, trpc: 'CONFLICT', detail: 'Some of these messages are in another chat already.' },
  body_too_large: { status: 413, trpc: 'PAYLOAD_TOO_LARGE', detail: 'The request body is too large.' },
  file_too_large: { status: 413, trpc: 'PAYLOAD_TOO_LARGE', detail: 'File too large.' },
  file_quota_full: {
    status: 413,
    trpc: 'PAYLOAD_TOO_LARGE',
    detail: 'The files of this account take as much room as they may. Delete some first.',
  },
  not_json: { status: 415, trpc: 'UNSUPPORTED_MEDIA_TYPE', detail: 'Send the body as application/json.' },
  not_form: {
    status: 415,
    trpc: 'UNSUPPORTED_MEDIA_TYPE',
    detail: 'Send the body as application/x-www-form-urlencoded.',
  },
  not_multipart: { status: 415, trpc: 'UNSUPPORTED_MEDIA_TYPE', detail: 'Send the body as multipart/form-data.' },
  range_invalid: {
    status: 416,
    trpc: 'BAD_REQUEST',
    detail: 'The file has no such part.',
  },
  invalid: { status: 422, trpc: 'UNPROCESSABLE_CONTENT', detail: 'The request is not valid.' },
  upgrade_required: { status: 426, trpc: 'BAD_REQUEST', detail: 'Open this address as a WebSocket.' },
  too_many_requests: { status: 429, trpc: 'TOO_MANY_REQUESTS', detail: 'Too many requests. Please try again later.' },
  too_many_sockets: {
    status: 429,
    trpc: 'TOO_MANY_REQUESTS',
    detail: 'As many connections are open as there may be. Close one first.',
  },
  too_many_watches: {
    status: 429,
    trpc: 'TOO_MANY_REQUESTS',
    detail: 'This socket watches as many chats as one may.',
  },
  answer_running: {
    status: 409,
    trpc: 'CONFLICT',
    detail: 'An answer is being written: wait for its end, or stop it.',
  },
  answer_over: { status: 409, trpc: 'CONFLICT', detail: 'The answer has ended already.' },
  not_answered: { status: 409, trpc: 'CONFLICT', detail: 'This is no message that can be answered, or goes on.' },
  too_many_pieces: { status: 409, trpc: 'CONFLICT', detail: 'Too many chunks wait for one that has not come.' },
  answered_by_people: {
    status: 409,
    trpc: 'CONFLICT',
    detail: 'A person answers in this chat: no answer is made until it is given back.',
  },
  answerer_missing: { status: 409, trpc: 'CONFLICT', detail: 'This server has no such answerer.' },
  no_answerer: { status: 409, trpc: 'CONFLICT', detail: 'This server answers no messages.' },
  too_many_answers: { status: 409, trpc: 'CONFLICT', detail: 'As many answers of this chat wait as may.' },
  not_watching: { status: 409, trpc: 'CONFLICT', detail: 'Watch the chat first.' },
  answer_failed: {
    status: 502,
    trpc: 'BAD_GATEWAY',
    detail: 'No answer could be made. The question is stored. Please try again later.',
  },
  answer_late: {
    status: 504,
    trpc: 'GATEWAY_TIMEOUT',
    detail: 'The answer took too long. The question is stored. Please try again later.',
  },
  overloaded: { status: 503, trpc: 'SERVICE_UNAVAILABLE', detail: 'The server has too much to do. Please try again.' },
  file_storage_unavailable: {
    status: 503,
    trpc: 'SERVICE_UNAVAILABLE',
    detail: 'Files cannot be stored or read now. Please try again later.',
  },
  issuer_unavailable: {
    status: 503,
    trpc: 'SERVICE_UNAVAILABLE',
    detail: 'The keys of the token issuer cannot be read now. Please try again later.',
  },
  restarting: { status: 503, trpc: 'SERVICE_UNAVAILABLE', detail: 'The server is restarting. Please try again.' },
  internal: { status: 500, trpc: 'INTERNAL_SERVER_ERROR', detail: 'Internal server error' },
  storage_unavailable: {
    status: 503,
    trpc: 'SERVICE_UNAVAILABLE',
    detail: 'Chat storage backend is unavailable. Please try again later.',
  },
} as const satisfies Record<string, Failure>

export type Reason = keyof typeof FAILURES

/** One fault of an input, in the shape that clients of the FastAPI originals parse. */
export const Issue = z
  .object({
    loc: z
      .array(z.union([z.string(), z.number()]))
      .meta({ description: 'Where: the part of the request, then the path in it.', examples: [['body', 'content']] }),
    msg: z.string(),
    type: z.string().meta({ description: 'The kind of fault.', examples: ['too_small'] }),
  })
  .meta({ id: 'Issue', description: 'One fault of what was sent.' })
export type Issue = z.infer<typeof Issue>

export const InvalidBody = z.object({ detail: z.array(Issue), reason: z.literal('invalid') }).meta({
  id: 'Invalid',
  description: 'What was sent breaks the schema; nothing was stored.',
  examples: [
    { detail: [{ loc: ['body', 'content'], msg: 'Content must not be blank.', type: 'custom' }], reason: 'invalid' },
  ],
})

export const InternalBody = z
  .object({ detail: z.string(), reason: z.literal('internal'), request_id: z.string() })
  .meta({
    id: 'Internal',
    description: 'A fault of the server; its log has the request id.',
    examples: [
      { detail: FAILURES.internal.detail, reason: 'internal', request_id: '0198f3a0-5c1e-7a4b-9d2e-3f6a7b8c9d0e' },
    ],
  })

/** The JSON body of a refusal: `detail` for people, `reason` for programs. */
export type FailureBody<R extends Reason> = z.ZodObject<{ detail: z.ZodString; reason: z.ZodEnum<{ [K in R]: K }> }>

type StatusOf<R extends Reason> = (typeof FAILURES)[R]['status']
type WithStatus<R extends Reason, S> = { [K in R]: StatusOf<K> extends S ? K : never }[R]
type BodyFor<R extends Reason> = [R] extends ['invalid']
  ? typeof InvalidBody
  : [R] extends ['internal']
    ? typeof InternalBody
    : FailureBody<R>

/** The response schemas of a route's refusals, by status: `{ ...failures('invalid', 'storage_unavailable') }`. */
export function failures<const R extends Reason>(...reasons: R[]): { [S in StatusOf<R>]: BodyFor<WithStatus<R, S>> } {
  const byStatus = new Map<number, Reason[]>()
  for (const reason of reasons) {
    const { status } = FAILURES[reason]
    byStatus.set(status, [...(byStatus.get(status) ?? []), reason])
  }
  const schemas = [...byStatus].map(([status, same]) => [status, bodyOf(same)])
  // The keys are the statuses of R by construction, which fromEntries cannot express.
  return Object.fromEntries(schemas) as ReturnType<typeof failures<R>>
}

/** By their reasons: the routes share most of them, and a schema takes long to make. */
const bodies = new Map<string, z.ZodType>([
  ['invalid', InvalidBody],
  ['internal', InternalBody],
])

function bodyOf(reasons: Reason[]): z.ZodType {
  const name = reasons.join(' ')
  const body = bodies.get(name) ?? newBody(reasons)
  bodies.set(name, body)
  return body
}

function newBody(reasons: Reason[]): z.ZodType {
  const examples = reasons.map((reason) => ({ detail: FAILURES[reason].detail, reason }))
  const description = examples.map(({ detail }) => detail).join(' / ')
  return z.object({ detail: z.string(), reason: z.enum(reasons) }).meta({ description, examples })
}
