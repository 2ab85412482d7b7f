import {
  admins,
  backEnds,
  everyone,
  ownChat,
  ownChatOrSupport,
  ownConversation,
  ownFile,
  ownFileOrSupport,
  ownSession,
  ownSupport,
  type Row,
  signedIn,
  staff,
} from './rules.ts'
import type { Things } from './world.ts'

const forbidden = { refusal: '403 forbidden' }
const notAuthorized = { refusal: '403 chat_not_authorized' }
const noService = { service: '403 account_needed' }

const ofLine = ({ chat_id }: Things) => ({ chat_id })
const content = () => ({ content: 'said' })
const unique = () => crypto.randomUUID().slice(0, 8)
const newAccount = () => {
  const username = `new-${unique()}`
  return { username, email: `${username}@example.com`, password: 'Correct-Horse-9' }
}

const waiting = { session_id: ({ waiting_id }: Things) => waiting_id }
const held = { session_id: ({ held_id }: Things) => held_id }

const heldMessage = { message_id: ({ held_message_id }: Things) => held_message_id }

/** Every route of the server, and who may call it. */
export const ROUTES: Record<string, Row> = {
  'GET /': { rule: everyone('200') },
  'GET /api/v1/health': { rule: everyone('200') },
  'GET /health/ready': { rule: everyone('200') },
  'GET /health/live': { rule: everyone('200') },
  'GET /openapi.json': { rule: everyone('200') },
  'GET /docs': { rule: everyone('200') },
  'GET /redoc': { rule: everyone('200') },
  'GET /docs/assets/:name': { rule: everyone('200') },
  // Every procedure has a row of its own.
  'ALL /trpc/*': { rule: everyone('404 not_found') },

  'POST /api/auth/register': { rule: everyone('201'), body: newAccount },
  'POST /api/auth/login': { rule: everyone('200'), body: ({ username, password }) => ({ username, password }) },
  'POST /api/auth/refresh': {
    rule: everyone('200'),
    body: ({ refresh_token }) => ({ refresh_token }),
    consumes: true,
  },
  'GET /api/auth/me': { rule: signedIn('200', '403 forbidden') },
  'DELETE /api/auth/me': {
    rule: signedIn('200', '403 forbidden'),
    body: ({ password }) => ({ password }),
    consumes: true,
  },
  'POST /api/auth/password': {
    rule: signedIn('200', '403 forbidden'),
    body: ({ password }) => ({ current_password: password, new_password: 'Correct-Horse-10' }),
    consumes: true,
  },
  'POST /api/auth/logout': { rule: signedIn('200', '403 forbidden'), consumes: true },
  'POST /api/auth/logout-all': { rule: signedIn('200', '403 forbidden'), consumes: true },
  'POST /api/v1/auth/register': { rule: everyone('200'), body: newAccount },
  'POST /api/v1/auth/login': { rule: everyone('200'), form: ({ username, password }) => ({ username, password }) },
  'GET /api/admin/accounts/': { rule: admins('200') },
  'GET /api/admin/accounts/:account_id': { rule: admins('200') },
  'PATCH /api/admin/accounts/:account_id': { rule: admins('200'), body: () => ({ role: 'user' }) },

  'POST /api/v1/visitors/': { rule: backEnds('201'), body: () => ({ user_id: 'customer-42' }) },
  'DELETE /api/v1/visitors/:user_id': { rule: backEnds('204'), consumes: true },

  'GET /v1/chat/sessions/': { rule: signedIn('200') },
  'GET /v1/chat/sessions/:session_id/messages': { rule: signedIn('200') },
  'POST /v1/chat/sessions/:session_id/messages': {
    rule: signedIn('201'),
    body: () => ({ role: 'user', content: 'hi' }),
  },
  'DELETE /v1/chat/sessions/:session_id': { rule: signedIn('200') },
  'POST /v1/chat/sessions/:session_id/promote': { rule: ownConversation('201') },
  // Without an upgrade: who gets this far may open the socket.
  'GET /v1/chat/sessions/:session_id/ws': { rule: signedIn('426 upgrade_required') },

  // A token may also come with the first frame.
  'GET /api/live': {
    rule: {
      ...signedIn('426 upgrade_required'),
      anonymous: '426 upgrade_required',
      visitor: '426 upgrade_required',
      customer: '426 upgrade_required',
    },
  },

  'GET /api/sessions/': { rule: signedIn('200') },
  'POST /api/sessions/': { rule: signedIn('200'), body: () => ({ title: 'Mine' }) },
  'GET /api/sessions/:session_id': { rule: ownSession('200') },
  'POST /api/sessions/:session_id/messages': {
    rule: ownSession('200'),
    body: () => ({ content: 'said', sender: 'user' }),
  },
  'GET /ws/:session_id': { rule: ownSession('426 upgrade_required') },

  'GET /ws/chat/:chat_id': { rule: ownChat('426 upgrade_required', forbidden) },
  'POST /api/v1/sessions': {
    rule: ownSupport('200', { refusal: '403 forbidden' }),
    body: ({ customer_id }) => ({ user_id: customer_id }),
  },
  'GET /api/v1/sessions/:session_id': { rule: ownSupport('200'), things: waiting },
  'PATCH /api/v1/sessions/:session_id': {
    rule: ownSupport('200', { agent: '403 not_assigned' }),
    things: waiting,
    body: () => ({ metadata: {} }),
  },
  'POST /api/v1/sessions/:session_id/end': { rule: ownSupport('200'), things: held },
  'POST /api/chats/:chat_id/hand-over': { rule: ownChat('200') },
  'PUT /api/chats/:chat_id/hand-over': { rule: ownChat('200'), body: () => ({ on_failure: true }) },
  'POST /api/v1/sessions/:session_id/hand-over': { rule: ownSupport('200'), things: held },
  'POST /api/v1/sessions/:session_id/give-back': {
    rule: { ...staff('200'), other: '404 session_missing' },
    things: held,
  },
  'POST /api/v1/sessions/:session_id/reopen': { rule: ownSupport('200'), things: held },
  'POST /api/v1/sessions/:session_id/claim': {
    rule: staff('200', { service: '403 account_needed' }),
    things: waiting,
  },
  'POST /api/v1/sessions/:session_id/assign': {
    rule: staff('200', { agent: '403 not_assigned' }),
    things: waiting,
    body: ({ agent_id }) => ({ agent_id }),
  },
  'POST /api/v1/sessions/:session_id/transfer': {
    rule: staff('200'),
    things: held,
    body: () => ({}),
  },
  'GET /api/v1/sessions/:session_id/notes': { rule: staff('200'), things: waiting },
  'POST /api/v1/sessions/:session_id/notes': {
    rule: { ...staff('200'), other: '404 session_missing' },
    things: held,
    body: content,
  },
  'GET /api/v1/support/queue': { rule: staff('200') },
  'GET /api/v1/support/agents': { rule: staff('200') },
  'PATCH /api/v1/support/agents/:agent_id': { rule: staff('200'), body: () => ({ available: true }) },
  'GET /api/v1/support/statistics': { rule: staff('200') },
  'GET /api/v1/sessions/:session_id/messages': { rule: ownSupport('200'), things: held },
  // As the customer, which the agent is not.
  'POST /api/v1/sessions/:session_id/messages': {
    rule: ownSupport('200', { agent: '403 forbidden' }),
    things: held,
    body: ({ customer_id }) => ({ content: 'said', sender_type: 'user', sender_id: customer_id }),
  },
  'GET /api/v1/users/:user_id/sessions': {
    rule: ownSupport('200', { refusal: '403 forbidden' }),
    things: { user_id: ({ customer_id }) => customer_id },
  },
  'PATCH /api/v1/messages/:message_id': {
    rule: ownSupport('200', { agent: '403 not_yours', refusal: '404 message_missing' }),
    things: heldMessage,
    body: content,
  },
  'DELETE /api/v1/messages/:message_id': {
    rule: ownSupport('200', { agent: '403 not_yours', refusal: '404 message_missing' }),
    things: heldMessage,
  },
  'GET /api/v1/messages/:message_id/extensions/': {
    rule: ownSupport('200', { refusal: '404 message_missing' }),
    things: heldMessage,
  },
  // A back end says on whose behalf.
  'POST /api/v1/messages/:message_id/extensions/': {
    rule: { ...ownSupport('201', { refusal: '404 message_missing' }), service: '422 invalid' },
    things: heldMessage,
    body: () => ({ type: 'reaction', data: { reaction_type: 'like' } }),
  },
  'DELETE /api/v1/messages/:message_id/extensions/:extension_id': {
    rule: ownSupport('204', { agent: '403 not_yours', refusal: '404 message_missing' }),
    things: heldMessage,
  },

  'POST /api/files/upload': { rule: signedIn('201', '403 account_needed'), file: 'file' },
  'POST /api/files/upload-multiple': { rule: signedIn('201', '403 account_needed'), file: 'files' },
  'GET /api/files/': { rule: signedIn('200') },
  'GET /api/files/:file_id': { rule: ownFile('200') },
  'DELETE /api/files/:file_id': { rule: ownFile('204') },
  'GET /api/files/:file_id/links': { rule: ownFileOrSupport('200') },
  'GET /api/files/:file_id/download': { rule: ownFileOrSupport('200') },
  'GET /api/files/:file_id/preview': { rule: ownFileOrSupport('404 preview_missing') },

  'GET /api/chats/': { rule: signedIn('200') },
  'POST /api/chats/': { rule: signedIn('201'), body: () => ({ title: 'Mine' }) },
  'GET /api/chats/:chat_id': { rule: ownChat('200', forbidden) },
  'GET /api/chats/:chat_id/messages': { rule: ownChat('200', forbidden) },
  'POST /api/chats/:chat_id/messages': { rule: ownChat('200', forbidden), body: content },
  'POST /api/chats/:chat_id/messages/:message_id/reaction': {
    rule: ownChat('200', { ...forbidden, ...noService }),
    body: () => ({ reaction_type: 'like' }),
  },

  'PATCH /api/chats/:chat_id/': { rule: ownChat('200'), body: () => ({ title: 'Renamed' }) },
  'DELETE /api/chats/:chat_id/': { rule: ownChat('204') },
  'POST /api/chats/:chat_id/restore': { rule: ownChat('200') },
  'GET /api/chats/:chat_id/events': { rule: ownChatOrSupport('200') },
  'GET /api/chats/:chat_id/read-cursor': { rule: ownChat('200') },
  'PUT /api/chats/:chat_id/read-cursor': {
    rule: ownChat('200', noService),
    body: ({ message_id }) => ({ message_id }),
  },
  'GET /api/chats/:chat_id/export': { rule: ownChat('200') },
  'POST /api/chats/import': { rule: signedIn('422 invalid'), body: () => ({}) },
  // A back end says in which chat, or for whom.
  'GET /api/search/': { rule: signedIn('200', '422 invalid'), query: () => ({ q: 'answer' }) },

  'GET /api/chats/:chat_id/messages/:message_id/': { rule: ownChat('200') },
  'PATCH /api/chats/:chat_id/messages/:message_id/': { rule: ownChat('200'), body: content },
  'DELETE /api/chats/:chat_id/messages/:message_id/': { rule: ownChat('200') },
  'GET /api/chats/:chat_id/messages/:message_id/edits': { rule: ownChat('200') },
  'PUT /api/chats/:chat_id/messages/:message_id/reactions/:reaction': { rule: ownChat('200', noService) },
  'DELETE /api/chats/:chat_id/messages/:message_id/reactions/:reaction': { rule: ownChat('200', noService) },
  'GET /api/chats/:chat_id/messages/:message_id/siblings': { rule: ownChat('200') },
  'POST /api/chats/:chat_id/messages/:message_id/branches': { rule: ownChat('201'), body: () => ({}) },
  'POST /api/chats/:chat_id/messages/:message_id/divergence': { rule: ownChat('201'), body: content },

  // Its token is in its query, and speaks for one answer.
  'POST /api/chats/:chat_id/messages/:message_id/callback': {
    rule: everyone('401 token_invalid'),
    body: () => ({ type: 'chunk', content: 'said' }),
  },
  'GET /api/chats/:chat_id/answering/': { rule: ownChat('200') },
  'PATCH /api/chats/:chat_id/answering/': { rule: ownChat('200'), body: () => ({ history_messages: 5 }) },
  'POST /api/chats/:chat_id/messages/:message_id/stop': { rule: ownChat('409 not_answered') },
  'POST /api/chats/:chat_id/messages/:message_id/continue': { rule: ownChat('409 not_answered') },
  'POST /api/chats/:chat_id/messages/:message_id/regenerate': { rule: ownChat('409 not_answered') },
  'POST /api/chats/:chat_id/messages/:message_id/resend': { rule: ownChat('201'), body: content },

  'POST /api/chats/:chat_id/ui-stream/': {
    rule: ownChat('200'),
    body: () => ({
      messages: [{ id: unique(), role: 'user', parts: [{ type: 'text', text: 'said' }] }],
      trigger: 'submit-message',
    }),
  },
  'GET /api/chats/:chat_id/ui-stream/': { rule: ownChat('204') },
  'GET /api/chats/:chat_id/ui-stream/:ui_chat_id/stream': { rule: ownChat('204') },

  'GET /api/chats/:chat_id/branches': { rule: ownChat('200') },
  'GET /api/chats/:chat_id/branches/tree': { rule: ownChat('200') },
  'GET /api/chats/:chat_id/branches/:branch_id': { rule: ownChat('200') },
  'PATCH /api/chats/:chat_id/branches/:branch_id': { rule: ownChat('200'), body: () => ({ name: 'Named' }) },
  'PUT /api/chats/:chat_id/active-branch': { rule: ownChat('200'), body: ({ branch_id }) => ({ branch_id }) },
  'GET /api/chats/:chat_id/branches/:branch_id/messages': { rule: ownChat('200') },

  'POST /api/v1/chats/create-chat': { rule: signedIn('201'), body: () => ({ name: 'Mine' }) },
  'GET /api/v1/chats/get-chat': { rule: ownChat('200', notAuthorized), query: ofLine },
  'PUT /api/v1/chats/update-chat': {
    rule: ownChat('200', notAuthorized),
    query: ofLine,
    body: () => ({ name: 'Renamed' }),
  },
  'DELETE /api/v1/chats/delete-chat': { rule: ownChat('204', notAuthorized), query: ofLine },
  'POST /api/v1/messages/add-message': {
    rule: ownChat('201', notAuthorized),
    body: ({ chat_id }) => ({ chat_id, question: 'why?' }),
  },
  'POST /api/v1/branches/create-branch': {
    rule: ownChat('200', notAuthorized),
    body: ({ chat_id, message_id }) => ({ chat_id, response_id: message_id }),
  },
  'GET /api/v1/branches/get-branches': { rule: ownChat('200', notAuthorized), query: ofLine },
  'GET /api/v1/branches/get-branch-tree': { rule: ownChat('200', notAuthorized), query: ofLine },
  'PUT /api/v1/branches/set-active-branch': {
    rule: ownChat('200', notAuthorized),
    query: ({ chat_id, branch_id }) => ({ chat_id, branch_id }),
  },
}
