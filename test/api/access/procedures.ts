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

const noService = { service: '403 account_needed' }
const username = () => `new-${crypto.randomUUID().slice(0, 8)}`

const chat = ({ chat_id }: Things) => ({ chat_id })
const message = ({ chat_id, message_id }: Things) => ({ chat_id, message_id })
const branch = ({ chat_id, branch_id }: Things) => ({ chat_id, branch_id })
const file = ({ file_id }: Things) => ({ file_id })
const session = ({ session_id }: Things) => ({ session_id })
const supported = ({ held_id }: Things) => ({ session_id: held_id })

/** Every procedure of the server, and who may call it. `body` is its input. */
export const PROCEDURES: Record<string, Row> = {
  'trpc mutation accounts.register': {
    rule: everyone('200'),
    body: () => {
      const name = username()
      return { username: name, email: `${name}@example.com`, password: 'Correct-Horse-9' }
    },
  },
  'trpc mutation accounts.login': {
    rule: everyone('200'),
    body: (things) => ({ username: things.username, password: things.password }),
  },
  'trpc mutation accounts.refresh': {
    rule: everyone('200'),
    body: ({ refresh_token }) => ({ refresh_token }),
    consumes: true,
  },
  'trpc mutation accounts.logout': { rule: signedIn('200', '403 forbidden'), consumes: true },
  'trpc mutation accounts.logoutAll': { rule: signedIn('200', '403 forbidden'), consumes: true },
  'trpc query accounts.me': { rule: signedIn('200', '403 forbidden') },
  'trpc mutation accounts.changePassword': {
    rule: signedIn('200', '403 forbidden'),
    body: ({ password }) => ({ current_password: password, new_password: 'Correct-Horse-10' }),
    consumes: true,
  },
  'trpc mutation accounts.deactivate': {
    rule: signedIn('200', '403 forbidden'),
    body: ({ password }) => ({ password }),
    consumes: true,
  },
  'trpc query accounts.list': { rule: admins('200') },
  'trpc query accounts.get': { rule: admins('200'), body: ({ account_id }) => ({ account_id }) },
  'trpc mutation accounts.amend': {
    rule: admins('200'),
    body: ({ account_id }) => ({ account_id, role: 'user' }),
  },

  'trpc mutation visitors.admit': { rule: backEnds('200'), body: () => ({ user_id: 'customer-42' }) },
  'trpc mutation visitors.dismiss': { rule: backEnds('200'), body: () => ({ user_id: 'customer-43' }) },

  'trpc query chats.list': { rule: signedIn('200') },
  'trpc query chats.get': { rule: ownChat('200'), body: chat },
  'trpc mutation chats.create': { rule: signedIn('200'), body: () => ({ title: 'Mine' }) },
  'trpc mutation chats.update': { rule: ownChat('200'), body: (things) => ({ ...chat(things), title: 'Renamed' }) },
  'trpc mutation chats.remove': { rule: ownChat('200'), body: chat },
  'trpc mutation chats.restore': { rule: ownChat('200'), body: chat },
  'trpc query chats.events': { rule: ownChatOrSupport('200'), body: chat },
  'trpc subscription chats.watch': { rule: ownChatOrSupport('200'), body: chat },
  'trpc query chats.readCursor': { rule: ownChat('200'), body: chat },
  'trpc mutation chats.moveReadCursor': { rule: ownChat('200', noService), body: message },

  'trpc query messages.history': { rule: ownChat('200'), body: branch },
  'trpc query messages.get': { rule: ownChat('200'), body: message },
  'trpc mutation messages.post': { rule: ownChat('200'), body: (things) => ({ ...chat(things), content: 'said' }) },
  'trpc query answers.settings': { rule: ownChat('200'), body: chat },
  'trpc mutation answers.configure': {
    rule: ownChat('200'),
    body: (things) => ({ ...chat(things), history_messages: 5 }),
  },
  'trpc mutation answers.stop': { rule: ownChat('409 not_answered'), body: message },
  'trpc mutation answers.continue': { rule: ownChat('409 not_answered'), body: message },
  'trpc mutation answers.regenerate': { rule: ownChat('409 not_answered'), body: message },
  'trpc mutation answers.resend': {
    rule: ownChat('200'),
    body: (things) => ({ ...message(things), content: 'said anew' }),
  },
  'trpc mutation messages.edit': {
    rule: ownChat('200'),
    body: (things) => ({ ...message(things), content: 'said' }),
  },
  'trpc mutation messages.remove': { rule: ownChat('200'), body: message },
  'trpc query messages.edits': { rule: ownChat('200'), body: message },
  'trpc mutation messages.react': {
    rule: ownChat('200', noService),
    body: (things) => ({ ...message(things), reaction: 'like' }),
  },
  'trpc mutation messages.unreact': {
    rule: ownChat('200', noService),
    body: (things) => ({ ...message(things), reaction: 'like' }),
  },

  'trpc query branches.list': { rule: ownChat('200'), body: chat },
  'trpc query branches.tree': { rule: ownChat('200'), body: chat },
  'trpc query branches.get': { rule: ownChat('200'), body: branch },
  'trpc mutation branches.create': { rule: ownChat('200'), body: message },
  'trpc mutation branches.diverge': {
    rule: ownChat('200'),
    body: (things) => ({ ...message(things), content: 'said' }),
  },
  'trpc mutation branches.rename': { rule: ownChat('200'), body: (things) => ({ ...branch(things), name: 'Named' }) },
  'trpc mutation branches.activate': { rule: ownChat('200'), body: branch },
  'trpc query branches.siblings': { rule: ownChat('200'), body: message },

  'trpc query search.messages': { rule: signedIn('200', '422 invalid'), body: () => ({ q: 'answer' }) },

  'trpc query files.list': { rule: signedIn('200') },
  'trpc query files.get': { rule: ownFile('200'), body: file },
  'trpc query files.links': { rule: ownFileOrSupport('200'), body: file },
  'trpc mutation files.remove': { rule: ownFile('200'), body: file },

  'trpc query desk.list': { rule: signedIn('200') },
  'trpc query desk.get': { rule: ownSession('200'), body: session },
  'trpc mutation desk.create': { rule: signedIn('200'), body: () => ({ title: 'Mine' }) },
  'trpc mutation desk.post': {
    rule: ownSession('200'),
    body: (things) => ({ ...session(things), content: 'said', sender: 'user' }),
  },

  'trpc mutation support.create': {
    rule: ownSupport('200', { refusal: '403 forbidden' }),
    body: ({ customer_id }) => ({ user_id: customer_id }),
  },
  'trpc query support.get': { rule: ownSupport('200'), body: supported },
  'trpc query support.ofUser': {
    rule: ownSupport('200', { refusal: '403 forbidden' }),
    body: ({ customer_id }) => ({ user_id: customer_id }),
  },
  'trpc mutation support.update': {
    rule: ownSupport('200'),
    body: (things) => ({ ...supported(things), metadata: {} }),
  },
  'trpc mutation support.end': { rule: ownSupport('200'), body: supported },
  'trpc mutation support.handOver': { rule: ownSupport('200'), body: supported },
  'trpc mutation supportDesk.handOverChat': { rule: ownChat('200'), body: chat },
  'trpc mutation supportDesk.allowHandOver': {
    rule: ownChat('200'),
    body: (things) => ({ ...chat(things), on_failure: true }),
  },
  'trpc mutation supportDesk.giveBack': { rule: { ...staff('200'), other: '404 session_missing' }, body: supported },
  'trpc mutation support.reopen': { rule: ownSupport('200'), body: supported },
  'trpc query supportDesk.queue': { rule: staff('200') },
  'trpc mutation supportDesk.claim': {
    rule: staff('200', { service: '403 account_needed' }),
    body: ({ waiting_id }) => ({ session_id: waiting_id }),
  },
  'trpc mutation supportDesk.assign': {
    rule: staff('200'),
    body: (things) => ({ ...supported(things), agent_id: things.agent_id }),
  },
  'trpc mutation supportDesk.transfer': { rule: staff('200'), body: supported },
  'trpc query supportDesk.notes': { rule: staff('200'), body: supported },
  'trpc mutation supportDesk.note': {
    rule: { ...staff('200'), other: '404 session_missing' },
    body: (things) => ({ ...supported(things), content: 'said' }),
  },
  'trpc subscription supportDesk.watch': { rule: staff('200') },
  'trpc query supportDesk.agents': { rule: staff('200') },
  'trpc mutation supportDesk.changeAgent': {
    rule: staff('200'),
    body: ({ agent_id }) => ({ agent_id, available: true }),
  },
  'trpc query supportDesk.statistics': { rule: staff('200') },
  'trpc query support.messages': { rule: ownSupport('200'), body: supported },
  'trpc mutation support.post': {
    rule: ownSupport('200', { agent: '403 forbidden' }),
    body: (things) => ({
      ...supported(things),
      content: 'said',
      sender_type: 'user',
      sender_id: things.customer_id,
    }),
  },
  'trpc mutation support.remove': {
    rule: ownSupport('200', { agent: '403 not_yours', refusal: '404 message_missing' }),
    body: ({ held_message_id }) => ({ message_id: held_message_id }),
  },

  'trpc mutation support.edit': {
    rule: ownSupport('200', { agent: '403 not_yours', refusal: '404 message_missing' }),
    body: ({ held_message_id }) => ({ message_id: held_message_id, content: 'said' }),
  },

  'trpc query extensions.list': {
    rule: ownSupport('200', { refusal: '404 message_missing' }),
    body: ({ held_message_id }) => ({ message_id: held_message_id }),
  },
  'trpc mutation extensions.add': {
    rule: { ...ownSupport('200', { refusal: '404 message_missing' }), service: '422 invalid' },
    body: ({ held_message_id }) => ({
      message_id: held_message_id,
      extension: { type: 'reaction', data: { reaction_type: 'like' } },
    }),
  },
  'trpc mutation extensions.remove': {
    rule: ownSupport('200', { agent: '403 not_yours', refusal: '404 message_missing' }),
    body: ({ held_message_id, extension_id }) => ({ message_id: held_message_id, extension_id }),
  },

  'trpc query sessions.list': { rule: signedIn('200') },
  'trpc query sessions.get': { rule: signedIn('200'), body: session },
  'trpc mutation sessions.post': {
    rule: signedIn('200'),
    body: (things) => ({ ...session(things), role: 'user', content: 'hi' }),
  },
  'trpc mutation sessions.clear': { rule: signedIn('200'), body: session },
  'trpc mutation sessions.promote': { rule: ownConversation('200'), body: session },
  'trpc subscription sessions.watch': { rule: signedIn('200'), body: session },
}
