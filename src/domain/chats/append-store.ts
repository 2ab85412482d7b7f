import type { MessageStatus, Metadata, SenderType } from '../../contract/chats.ts'
import { jsonTextArray, plainArray, textArray } from '../../db/arrays.ts'
import { codeOf } from '../../db/fault.ts'
import type { Database } from '../../db/open.ts'
import type { AccountActor, Participant } from '../accounts/actor.ts'
import { dismissedAmong } from '../accounts/visitor-store.ts'
import type { Handle } from '../files/attachment-store.ts'

// The two functions of the database that append messages: one judges each, the other takes what needs no judging.

/** A message on its way into the log. */
export type Post = {
  id: string
  chatId: string
  /** `null`: the branch that is active when it is committed. */
  branchId: string | null
  senderType: SenderType
  senderId: string | null
  content: string
  status: MessageStatus
  metadata: Metadata
  clientId: string | null
  /** Whose token it came with: checked once more as it is committed. */
  actor: Participant
  /** The JSON text of its event's data but for the place, which the commit knows: without the closing brace. */
  event: string
}

/**
 * What became of a post. `known`: this client_id was posted before, with the same content. `again`: in this same batch.
 * `left`: nothing, by `appendPlain`.
 */
export type Placed =
  | {
      outcome: 'created' | 'known'
      messageId: string
      branchId: string
      position: number
      seq: number
      number: number
      at: string
    }
  | { outcome: 'again' | 'left' }
  | {
      outcome:
        | 'token_invalid'
        | 'chat_missing'
        | 'branch_missing'
        | 'client_id_reused'
        | 'chat_archived'
        | 'session_ended'
        | 'not_assigned'
    }

export const LEFT: Placed = { outcome: 'left' }

type Outcome = Exclude<Placed['outcome'], 'left'>
/** Where a message came to stand. */
type Place = { branch_id: string; position: number; seq: string; number: string }

/**
 * Why `append_plain_messages` wrote nothing of a batch: a speaker does not stand any more (a code of its own), or one was
 * posted a second time meanwhile (`unique_violation`).
 */
const NOT_PLAIN = new Set(['PY001', '23505'])

/** Appends what it finds nothing wrong with, in one statement; answers for each post, in order. */
export async function appendJudged(query: Database['sql'] | Handle, posts: readonly Post[]): Promise<Placed[]> {
  const at = new Date().toISOString()
  const rows = await query<(Place & { outcome: Outcome; message_id: string })[]>`
    SELECT outcome, message_id, branch_id, position, seq, number FROM append_messages(
      ${posts.map((post) => post.chatId)}::uuid[],
      ${posts.map((post) => post.branchId)}::uuid[],
      ${posts.map((post) => post.id)}::uuid[],
      ${posts.map((post) => post.senderType)}::text[],
      ${posts.map((post) => post.senderId)}::text[],
      ${posts.map((post) => post.content)}::text[],
      ${posts.map((post) => post.status)}::text[],
      ${posts.map((post) => JSON.stringify(post.metadata))}::text[]::jsonb[],
      ${posts.map((post) => post.clientId)}::uuid[],
      ${posts.map(({ actor }) => (actor.kind === 'account' ? actor.accountId : null))}::uuid[],
      ${posts.map(({ actor }) => (actor.kind === 'account' ? actor.role : null))}::text[],
      ${posts.map(({ actor }) => (actor.kind === 'account' ? actor.loginId : null))}::uuid[],
      ${posts.map((post) => post.event)}::text[],
      ${at}::timestamptz)`
  return rows.map(({ outcome, message_id, ...place }): Placed => {
    if (outcome !== 'created' && outcome !== 'known') return { outcome }
    return { outcome, messageId: message_id, ...placeOf(place), at }
  })
}

/** The same where visitors are among the speakers, of whom the database's own judgement knows nothing. */
export function appendOfVisitors(sql: Database['sql'], posts: readonly Post[]): Promise<Placed[]> {
  const chatIds = [...new Set(posts.map((post) => post.chatId))]
  return sql.begin(async (handle) => {
    // One after the other: a look-up by key for each, whatever the tables were like when the plan was made.
    await handle`
      SELECT FROM (SELECT id FROM unnest(${chatIds}::uuid[]) AS posted(id) ORDER BY id) AS posted
      CROSS JOIN LATERAL (SELECT FROM chats WHERE id = posted.id FOR UPDATE) AS chat`
    // Asked once the chats are locked: who was dismissed before that is found.
    const speakers = posts.map((post) => post.actor)
    const dismissed = await dismissedAmong(handle, speakers)
    const standing = posts.filter((post) => !dismissed.has(post.actor))
    const placed = (await appendJudged(handle, standing)).values()
    return speakers.map((speaker): Placed => {
      const outcome = dismissed.has(speaker) ? undefined : placed.next().value
      return outcome ?? { outcome: 'token_invalid' }
    })
  })
}

/**
 * The same for posts that most likely nothing is wrong with, to the active branch, at about half of what it costs the
 * database. Where something may be wrong with one it is `left`, and maybe others with it: `appendJudged` then tells.
 */
export async function appendPlain(query: Database['sql'], posts: readonly Post[]): Promise<Placed[]> {
  const at = new Date().toISOString()
  // Those of one chat are next to each other, in the order of their arrival. Chats are locked in one order everywhere, by id.
  const order = [...posts.entries()].sort(
    ([, { chatId }], [, { chatId: other }]) => Number(chatId > other) - Number(chatId < other),
  )
  const sorted = order.map(([, post]) => post)
  const chats = chatsOf(sorted)
  const speakers = speakersOf(sorted)
  const clientIds = sorted.some((post) => post.clientId !== null) ? sorted.map((post) => post.clientId) : null
  const placed = posts.map(() => LEFT)
  try {
    const rows = await query<(Place & { ordinal: number })[]>`
      SELECT ordinal, branch_id, position, seq, number FROM append_plain_messages(
        ${plainArray(chats.map((chat) => chat.id))}::uuid[],
        ${plainArray(chats.map((chat) => chat.first))}::integer[],
        ${plainArray(chats.map((chat) => chat.last))}::integer[],
        ${plainArray(sorted.map((post) => post.id))}::uuid[],
        ${plainArray(sorted.map((post) => post.senderType))}::text[],
        ${textArray(sorted.map((post) => post.senderId))}::text[],
        ${textArray(sorted.map((post) => post.content))}::text[],
        ${plainArray(sorted.map((post) => post.status))}::text[],
        ${jsonTextArray(sorted.map((post) => JSON.stringify(post.metadata)))}::text[]::jsonb[],
        ${clientIds && plainArray(clientIds)}::uuid[],
        ${jsonTextArray(sorted.map((post) => post.event))}::text[],
        ${plainArray(speakers.map((speaker) => speaker.accountId))}::uuid[],
        ${plainArray(speakers.map((speaker) => speaker.role))}::text[],
        ${plainArray(speakers.map((speaker) => speaker.loginId))}::uuid[],
        ${at}::timestamptz)`
    for (const { ordinal, ...place } of rows) {
      const entry = order[ordinal - 1]
      if (entry === undefined) continue
      const [index, { id }] = entry
      placed[index] = { outcome: 'created', messageId: id, ...placeOf(place), at }
    }
  } catch (fault) {
    if (!NOT_PLAIN.has(codeOf(fault) ?? '')) throw fault
  }
  return placed
}

function placeOf({ branch_id, position, seq, number }: Place) {
  return { branchId: branch_id, position, seq: Number(seq), number: Number(number) }
}

/** The chats of sorted posts, each with the places of its first and its last post, from 1. */
function chatsOf(sorted: readonly Post[]): { id: string; first: number; last: number }[] {
  const chats: { id: string; first: number; last: number }[] = []
  for (const [index, { chatId }] of sorted.entries()) {
    const chat = chats.at(-1)
    if (chat?.id === chatId) chat.last = index + 1
    else chats.push({ id: chatId, first: index + 1, last: index + 1 })
  }
  return chats
}

/** Whose tokens the posts came with: each once, however many posts it has. */
function speakersOf(posts: readonly Post[]): AccountActor[] {
  const speakers = new Map<string, AccountActor>()
  for (const { actor } of posts)
    if (actor.kind === 'account') speakers.set(`${actor.accountId} ${actor.role} ${actor.loginId}`, actor)
  return [...speakers.values()]
}
