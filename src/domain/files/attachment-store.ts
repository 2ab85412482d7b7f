import { and, eq, inArray, isNull, type SQL, sql } from 'drizzle-orm'
import type { FileReference } from '../../contract/chats.ts'
import type { Database } from '../../db/open.ts'
import { files, message_files } from '../../db/schema.ts'
import { type Actor, isPrivileged, type Participant } from '../accounts/actor.ts'
import type { Transaction } from '../accounts/transaction-store.ts'
import { Refusal } from '../refusal.ts'
import { pathOf } from './links.ts'

/** The driver's handle of an open transaction. */
export type Handle = Parameters<Parameters<Database['sql']['begin']>[1]>[0]

/** A file of a message. `told`: the log says already what became of it, and so whether it has a preview. */
export type AttachedRow = {
  id: string
  name: string
  file_type: FileReference['file_type']
  has_preview: boolean
  told: boolean
}

/** What messages show of a file: no more of it than the chat's log has told. */
export function referenceOf({ id, name, file_type, has_preview, told }: AttachedRow): FileReference {
  return { id, name, file_type, ...(has_preview && told ? { preview_url: pathOf(id, 'preview') } : {}) }
}

/**
 * The files that a message is to have, in this order, which stay as they are until the transaction ends. Throws
 * `Refusal('file_missing')` where one of them is not the actor's own.
 */
export async function lockedFiles(
  handle: Handle,
  actor: Participant,
  fileIds: readonly string[],
): Promise<AttachedRow[]> {
  const anybody = isPrivileged(actor)
  const owner = actor.kind === 'account' ? actor.accountId : null
  const rows = await handle<AttachedRow[]>`
    SELECT id, name, file_type, has_preview, state IN ('ready', 'failed') AS told FROM files
    WHERE id = ANY (${[...fileIds]}::uuid[]) AND deleted_at IS NULL AND (${anybody} OR owner_id = ${owner}::uuid)
    ORDER BY id FOR SHARE`
  return ordered(rows, fileIds)
}

/** The same in a change of a chat. */
export function ownFiles(
  transaction: Transaction,
  actor: Participant,
  fileIds: readonly string[],
): Promise<AttachedRow[]> {
  const owner = actor.kind === 'account' ? actor.accountId : null
  const own = and(isNull(files.deleted_at), isPrivileged(actor) ? undefined : sql`${files.owner_id} = ${owner}::uuid`)
  return sharedFiles(transaction, fileIds, own)
}

/** Also. Where no ids are given, what a message shows already: whose that is was asked when it was first shown. */
export async function filesToShow(
  transaction: Transaction,
  actor: Actor,
  fileIds: readonly string[] | null | undefined,
  insteadOf: string,
): Promise<AttachedRow[]> {
  if (fileIds != null) return ownFiles(transaction, actor, fileIds)
  const shown = await transaction
    .select({ id: message_files.file_id })
    .from(message_files)
    .where(eq(message_files.message_id, insteadOf))
    .orderBy(message_files.position)
  const ids = shown.map(({ id }) => id)
  return sharedFiles(transaction, ids)
}

async function sharedFiles(transaction: Transaction, ids: readonly string[], which?: SQL): Promise<AttachedRow[]> {
  if (ids.length === 0) return []
  const rows = await transaction
    .select({
      id: files.id,
      name: files.name,
      file_type: files.file_type,
      has_preview: files.has_preview,
      told: sql<boolean>`${files.state} IN ('ready', 'failed')`,
    })
    .from(files)
    .where(and(inArray(files.id, [...ids]), which))
    .orderBy(files.id)
    .for('share')
  return ordered(rows, ids)
}

/** Hangs them on a message that the same change has written. */
export async function show(transaction: Transaction, messageId: string, shown: readonly AttachedRow[]): Promise<void> {
  if (shown.length === 0) return
  await transaction
    .insert(message_files)
    .values(shown.map(({ id, told }, index) => ({ message_id: messageId, file_id: id, position: index + 1, told })))
}

function ordered(rows: readonly AttachedRow[], fileIds: readonly string[]): AttachedRow[] {
  const byId = new Map(rows.map((row) => [row.id, row]))
  return fileIds.map((id) => {
    const row = byId.get(id)
    if (row === undefined) throw new Refusal('file_missing')
    return row
  })
}

/** Hangs the files on a message that was just written. (The driver takes a list of booleans for a boolean.) */
export async function attach(handle: Handle, messageId: string, files: readonly AttachedRow[]): Promise<void> {
  await handle`
    INSERT INTO message_files (message_id, file_id, position, told)
    SELECT ${messageId}, id, ordinal, told
    FROM unnest(${files.map(({ id }) => id)}::uuid[], ${files.map(({ told }) => String(told))}::text[]::boolean[])
      WITH ORDINALITY AS file(id, told, ordinal)`
  await handle`UPDATE messages SET extended = true WHERE id = ${messageId}`
}

/** The files of messages, by message, each in order: a look-up for each, which OFFSET keeps, also in a plan of empty tables. */
export async function filesOf(database: Database, messageIds: string[]): Promise<Map<string, FileReference[]>> {
  const rows = await database.within(
    () => database.sql<(AttachedRow & { message_id: string })[]>`
      SELECT attached.message_id, attached.told, file.id, file.name, file.file_type, file.has_preview
      FROM unnest(${messageIds}::uuid[]) AS message(id)
        CROSS JOIN LATERAL (SELECT * FROM message_files WHERE message_id = message.id OFFSET 0) AS attached
        CROSS JOIN LATERAL (SELECT * FROM files WHERE id = attached.file_id OFFSET 0) AS file
      ORDER BY attached.message_id, attached.position`,
  )
  const byMessage = new Map<string, FileReference[]>()
  for (const row of rows) byMessage.set(row.message_id, [...(byMessage.get(row.message_id) ?? []), referenceOf(row)])
  return byMessage
}
