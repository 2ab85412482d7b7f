import type { Config } from '../../config.ts'
import { ChatSocketFrame } from '../../contract/chat-socket.ts'
import { LiveClientFrame } from '../../contract/live.ts'
import { operationOf, REQUEST_ID_HEADER, type Route } from './operation.ts'
import { Schemas } from './schemas.ts'

const METHODS = new Set(['get', 'post', 'put', 'patch', 'delete'])

const TAGS = [
  {
    name: 'Sessions',
    description: 'Conversations that expire. A session is there from its first message on, and is named by the client.',
  },
  {
    name: 'Accounts',
    description:
      'Who can sign in. An access token is short-lived; a refresh token, good for one use, gets the next one.',
  },
  {
    name: 'Visitors',
    description: 'Customers of support without an account, for whom the embedding product vouches.',
  },
  { name: 'Administration', description: "Other people's accounts: for admins and the service key." },
  { name: 'Chats', description: 'Conversations that last. A chat belongs to the account that made it.' },
  { name: 'Live', description: 'Every change of many chats as it happens, over one socket that resumes.' },
  { name: 'Messages', description: 'What was said in a chat, one by one.' },
  { name: 'Extensions', description: 'What hangs on a message: attachments, reactions, and what it said before.' },
  { name: 'Answers', description: 'What an AI says in a chat, as a message that is written while all watch.' },
  {
    name: 'Branches',
    description: 'Lines of history: a chat has a root branch, others are made at any message, and one is active.',
  },
  {
    name: 'Branching',
    description: 'The same chats in other words: a branch is a chat, and a question with its answer is one thing.',
  },
  {
    name: 'Desk',
    description:
      'The same chats under the ids that clients choose, with messages known by numbers. What a user says is answered by itself.',
  },
  {
    name: 'Support',
    description:
      'Conversations that people answer: each is a chat with a customer, perhaps an agent, and a status. Open to all where PUBLIC_APIS names it; else a user has its own sessions, an agent those that it holds or that wait.',
  },
  {
    name: 'Support desk',
    description:
      'What agents do with those: the queue, who has which, notes of their own, and figures. Never without a token.',
  },
  { name: 'Files', description: 'What was uploaded: bytes, the text in them, and a preview.' },
  { name: 'Search', description: 'Messages by their words.' },
  { name: 'Export and import', description: 'A chat as a file, and back.' },
  { name: 'Health', description: 'For balancers, orchestrators and people who look after the server.' },
]

const DESCRIPTION = `
A self-hosted chat backend.

Every answer is JSON in UTF-8; times are ISO 8601, UTC, with milliseconds. Unknown fields in a body are ignored.

## Errors

An error is \`{"detail", "reason"}\`: \`detail\` is for people, \`reason\` for programs. With the reason \`invalid\` (422),
\`detail\` is a list of \`{"loc", "msg", "type"}\`, one for each fault; \`loc\` is the part of the request and the path in it.
An unexpected fault of the server (500) has the \`request_id\` that its log knows it by. Beside the answers told with each
operation, any address may answer 400 \`host_invalid\`, 404 \`not_found\`, and 405 \`method_not_allowed\` with an \`Allow\` header.

## Who calls

Where an operation wants it, send \`Authorization: Bearer <access token>\`: one of this server's, or, where it is set up for
that, one of the issuer that your product signs its users in with (503 \`issuer_unavailable\` while its keys cannot be
read). A socket takes the token as \`Sec-WebSocket-Protocol: bearer, <token>\` or as \`?token=\` as well.

A trusted back end sends the service key as \`X-API-Key\` instead, and may then do whatever an admin may; with
\`X-On-Behalf-Of: <account id>\` it may do what that account may, in its name (404 \`account_missing\` where there is no such
account, or it is not active).

A customer without an account has a visitor's token, which such a back end asks for (\`POST /api/v1/visitors\`): it is taken
where an operation names \`visitor\`, and elsewhere refused with 403 \`not_for_visitors\`.
`.trim()

/** The OpenAPI 3.1 document of the routes that are not hidden. */
export function openApiDocument(config: Config, routes: readonly Route[]): object {
  const schemas = new Schemas()
  const paths: Record<string, Record<string, object>> = {}
  for (const route of routes) {
    const method = route.method.toLowerCase()
    if (route.hooks.detail?.hide || !METHODS.has(method)) continue
    const path = pathTemplate(route.path)
    paths[path] = { ...paths[path], [method]: operationOf(route, schemas) }
  }
  // What sockets take is the body of no request.
  for (const frame of [LiveClientFrame, ChatSocketFrame]) schemas.add(frame, 'input')
  return {
    openapi: '3.1.1',
    info: {
      title: `${config.name} API`,
      version: config.version,
      description: DESCRIPTION,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: config.publicUrl }],
    tags: TAGS,
    security: [],
    paths,
    components: {
      schemas: schemas.components,
      headers: { RequestId: REQUEST_ID_HEADER },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
        visitor: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'The token of a customer without an account, from `POST /api/v1/visitors`.',
        },
      },
    },
  }
}

/** `/sessions/:id/` as `/sessions/{id}`. */
export function pathTemplate(path: string): string {
  return path.replace(/:(\w+)/g, '{$1}').replace(/(.)\/$/, '$1')
}
