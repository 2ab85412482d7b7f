import fc from 'fast-check'
import type { Reason } from '../../../../src/contract/failures.ts'
import type { Actor } from '../../../../src/domain/accounts/actor.ts'
import { Refusal } from '../../../../src/domain/refusal.ts'
import type { ChatWorld } from '../../../support/chats.ts'
import type { ChatModel } from './chat-model.ts'

/** Who acts: the chat's owner, an account that it does not belong to, an admin, and a back end with the service key. */
export type Actors = Record<'owner' | 'stranger' | 'admin' | 'service', Actor>

const KINDS = [
  'post',
  'edit',
  'delete',
  'react',
  'unreact',
  'attach',
  'detach',
  'branch',
  'diverge',
  'activate',
  'name',
  'rename',
  'archive',
  'remove',
  'restore',
  'read',
  'configure',
] as const

/** What is drawn at random: which message or branch it means is known only once it runs. */
export type Draw = {
  kind: (typeof KINDS)[number]
  by: keyof Actors
  first: number
  second: number
  /** One of a few client ids, so that they come again. */
  client: number | null
  flag: boolean
}

export const draw: fc.Arbitrary<Draw> = fc.record({
  kind: fc.constantFrom('post', 'post', 'post', 'branch', 'react', ...KINDS),
  by: fc.constantFrom('owner', 'owner', 'owner', 'owner', 'owner', 'admin', 'service', 'stranger'),
  first: fc.nat(30),
  second: fc.nat(30),
  client: fc.option(fc.nat(3), { freq: 3 }),
  flag: fc.boolean(),
})

type Named =
  | { kind: 'post'; content: string; clientId: string | undefined; branchId: string | undefined }
  | { kind: 'edit'; messageId: string; content: string }
  | { kind: 'delete'; messageId: string }
  | { kind: 'read'; messageId: string }
  | { kind: 'react'; messageId: string; key: string }
  | { kind: 'unreact'; messageId: string; key: string }
  | { kind: 'attach'; messageId: string; url: string; name: string }
  | { kind: 'detach'; messageId: string; attachmentId: string }
  | { kind: 'branch'; messageId: string; parentId: string | undefined; name: string }
  | { kind: 'diverge'; messageId: string; content: string; clientId: string | undefined }
  | { kind: 'activate'; branchId: string; expected: string | undefined }
  | { kind: 'name'; branchId: string; name: string }
  | { kind: 'rename'; title: string }
  | { kind: 'configure'; prompt: string | null }
  | { kind: 'archive'; archived: boolean }
  | { kind: 'remove' | 'restore' }

/** A call of the services. Its `token` is a word that no other call writes: the log has it once, or never if refused. */
export type Call = Named & { by: Actor; token: string | undefined }

const KEYS = ['like', 'dislike', '🎉', '❤️']

/** Nothing has this id. */
const UNKNOWN = '01890000-0000-7000-8000-000000000000'

export function callOf(model: ChatModel, actors: Actors, foreign: string, drawn: Draw): Call {
  const { kind, first, second, client, flag } = drawn
  const by = actors[drawn.by]
  const token = model.newToken()
  const messages = Object.keys(model.state.messages)
  const branches = [...model.lines.keys()]
  // A chat's first message has the id of the chat in the tests, so that one foreign id serves for all.
  const pick = (among: readonly string[], index: number) =>
    index === 0 ? foreign : (among[(index - 1) % Math.max(1, among.length)] ?? UNKNOWN)
  const messageId = pick(messages, first)
  const clientId = client === null ? undefined : model.clientId(client)
  const said = clientId === undefined ? token : `client ${client} ${flag}`
  const only = { by, token: undefined }
  switch (kind) {
    case 'post': {
      const branchId = second % 2 === 0 ? undefined : pick(branches, first)
      return { by, kind, content: said, clientId, branchId, token: tokenIn(said, token) }
    }
    case 'edit': {
      const same = second % 5 === 0 ? model.state.messages[messageId]?.content : undefined
      const content = same ?? token
      return { by, kind, messageId, content, token: tokenIn(content, token) }
    }
    case 'delete':
    case 'read':
      return { ...only, kind, messageId }
    case 'react':
    case 'unreact':
      return { ...only, kind, messageId, key: KEYS[second % KEYS.length] ?? 'like' }
    case 'attach': {
      // By itself, a message is found in whatever chat it is.
      const own = messages[first] ?? UNKNOWN
      const there = flag ? model.state.messages[own]?.attachments[0]?.url : undefined
      const url = there ?? `https://example.com/${encodeURIComponent(token)}`
      return { by, kind, messageId: own, url, name: token, token: there === undefined ? token : undefined }
    }
    case 'detach': {
      const own = messages.find((id) => model.state.messages[id]?.attachments.length) ?? messages[first] ?? UNKNOWN
      const attachments = model.state.messages[own]?.attachments ?? []
      return { ...only, kind, messageId: own, attachmentId: attachments[second]?.id ?? attachments[0]?.id ?? UNKNOWN }
    }
    case 'branch': {
      const having = branches.filter((id) => model.lines.get(id)?.includes(messageId))
      const parentId = second % 3 === 0 ? undefined : pick(flag ? having : branches, second)
      return { by, kind, messageId, parentId, name: token, token }
    }
    case 'diverge':
      return { by, kind, messageId, content: said, clientId, token: tokenIn(said, token) }
    case 'activate': {
      const expected = flag ? model.chat.active_branch_id : pick(branches, second)
      return { ...only, kind, branchId: pick(branches, first), expected: second % 3 === 0 ? undefined : expected }
    }
    case 'name':
      return { by, kind, branchId: pick(branches, first), name: token, token }
    case 'rename':
      return { by, kind, title: token, token }
    case 'configure':
      return { ...only, kind, prompt: flag ? 'Be brief.' : null }
    case 'archive':
      // More often out of the archive than into it: little else can happen to an archived chat.
      return { ...only, kind, archived: second % 3 === 0 }
    case 'remove':
    case 'restore':
      return { ...only, kind: second % 3 === 0 ? 'remove' : 'restore' }
  }
}

function tokenIn(text: string, token: string): string | undefined {
  return text === token ? token : undefined
}

/** Makes the call. Resolves to why it was refused, or to the id of the message that it posted. */
export async function perform(
  { chats, messages, extensions, branches, answering }: ChatWorld,
  chatId: string,
  call: Call,
): Promise<{ refused?: Reason; messageId?: string }> {
  const { by } = call
  const client = 'clientId' in call && call.clientId !== undefined ? { client_id: call.clientId } : {}
  try {
    switch (call.kind) {
      case 'post': {
        const branch = call.branchId === undefined ? {} : { branch_id: call.branchId }
        return { messageId: (await messages.post(by, chatId, { content: call.content, ...client, ...branch })).id }
      }
      case 'edit':
        await messages.edit(by, chatId, call.messageId, call.content)
        return {}
      case 'delete':
        await messages.remove(by, chatId, call.messageId)
        return {}
      case 'read':
        await messages.moveReadCursor(by, chatId, call.messageId)
        return {}
      case 'react':
        await messages.react(by, chatId, call.messageId, call.key)
        return {}
      case 'unreact':
        await messages.unreact(by, chatId, call.messageId, call.key)
        return {}
      case 'attach': {
        const data = { url: call.url, name: call.name, type: null, size: null }
        await extensions.add({ actor: by, isAnybody: false }, call.messageId, { type: 'attachment', data })
        return {}
      }
      case 'detach':
        await extensions.remove({ actor: by, isAnybody: false }, call.messageId, call.attachmentId)
        return {}
      case 'branch':
        await branches.create(by, chatId, call)
        return {}
      case 'diverge': {
        const { message } = await branches.diverge(by, chatId, call.messageId, { content: call.content, ...client })
        return { messageId: message.id }
      }
      case 'activate':
        await branches.activate(by, chatId, call.branchId, call.expected)
        return {}
      case 'name':
        await branches.rename(by, chatId, call.branchId, call.name)
        return {}
      case 'configure':
        await answering.change(by, chatId, { system_prompt: call.prompt })
        return {}
      case 'rename':
        await chats.update(by, chatId, { title: call.title })
        return {}
      case 'archive':
        await chats.update(by, chatId, { archived: call.archived })
        return {}
      case 'remove':
        await chats.remove(by, chatId)
        return {}
      case 'restore':
        await chats.restore(by, chatId)
        return {}
    }
  } catch (fault) {
    if (fault instanceof Refusal && fault.reason !== 'storage_unavailable') return { refused: fault.reason }
    throw fault
  }
}
