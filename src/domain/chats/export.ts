import { type Answering, NO_ANSWERING } from '../../contract/answering.ts'
import { compareAttachments, compareReactions } from '../../contract/chat-state.ts'
import type { Branch, Chat } from '../../contract/chats.ts'
import type { ChatDocument, TransferredBranch, TransferredMessage } from '../../contract/transfer.ts'
import type { Actor } from '../accounts/actor.ts'
import { Refusal } from '../refusal.ts'
import type { ChatAccess } from './access.ts'
import { mayArrange } from './doors.ts'
import type { ExportedRow, ExportStore, RunRow, SourceRow } from './export-store.ts'
import type { History } from './history.ts'
import type { HistoryStore } from './history-store.ts'
import { headingMarkdown, messageMarkdown } from './markdown.ts'
import { attachmentOf, branchOf, chatOf, type ExtensionRow, isoTime, reactionOf } from './rows.ts'

/** Messages that are read, and held in memory, at once. */
const PAGE = 200
/** A page's messages are asked for their edits and reactions so many at a time: each may have many. */
const EXTENDED_PAGE = 20

type Opened = { chat: Chat; branches: Branch[]; answering: Answering }

/**
 * Writes a chat as text, part by part: what is read, however long the chat, is a page at a time, and the next one is
 * read when the reader wants it. What is written to the chat meanwhile is left out; of what is changed meanwhile,
 * each message is as it was when its page was read.
 */
export class ChatExporter {
  readonly #store: ExportStore
  readonly #reads: HistoryStore
  readonly #history: History
  readonly #access: ChatAccess

  constructor(parts: { store: ExportStore; reads: HistoryStore; history: History; access: ChatAccess }) {
    this.#store = parts.store
    this.#reads = parts.reads
    this.#history = parts.history
    this.#access = parts.access
  }

  /** The JSON text of a `ChatDocument`. Throws `Refusal('chat_missing')` before the first part. */
  async json(actor: Actor, chatId: string): Promise<AsyncGenerator<string>> {
    return this.#json(await this.#open(actor, chatId))
  }

  /**
   * A branch's history as Markdown; the active branch's where none is named. Throws also `Refusal('branch_missing')`.
   */
  async markdown(
    actor: Actor,
    chatId: string,
    branchId?: string,
  ): Promise<{ branchId: string; parts: AsyncGenerator<string> }> {
    const { chat, branches } = await this.#open(actor, chatId)
    const id = branchId ?? chat.active_branch_id
    const branch = branches.find((one) => one.id === id)
    if (branch === undefined) throw new Refusal('branch_missing')
    return { branchId: id, parts: this.#markdown(chat, branch, (await this.#reads.head(id)) ?? 0) }
  }

  async #open(actor: Actor, chatId: string): Promise<Opened> {
    const doors = await this.#access.open(actor, chatId)
    const found = await this.#store.chat(chatId)
    if (found === undefined || found.chat.deleted_at !== null) throw new Refusal('chat_missing')
    // A prompt is between the chat's owner and the model.
    const answering = mayArrange(actor, doors) ? found.answering : { ...found.answering, system_prompt: null }
    return { chat: chatOf(found.chat), branches: found.branches.map(branchOf), answering }
  }

  async *#json({ chat, branches, answering }: Opened): AsyncGenerator<string> {
    const { id, title, user_id, active_branch_id, metadata, created_at, archived_at } = chat
    const said = Bun.deepEquals(answering, NO_ANSWERING) ? {} : { answering }
    const head: Omit<ChatDocument, 'messages'> = {
      format: 'parley.chat',
      version: 1,
      exported_at: new Date().toISOString(),
      chat: { id, title, user_id, active_branch_id, metadata, created_at, archived_at, ...said },
      branches: branches.map(transferredBranch),
    }
    yield `${JSON.stringify(head).slice(0, -1)},"messages":[`
    let separator = '\n'
    for await (const page of this.#pages(chat)) {
      for (const messages of inSlices(page, EXTENDED_PAGE)) {
        yield messages.length === 0
          ? ''
          : separator + (await this.#transferred(messages)).map((one) => JSON.stringify(one)).join(',\n')
        separator = ',\n'
      }
    }
    yield '\n]}\n'
  }

  async *#pages({ id, last_seq: last }: Chat): AsyncGenerator<ExportedRow[]> {
    let after = 0
    while (true) {
      const page = await this.#store.messages(id, { after, last, limit: PAGE })
      if (page.length > 0) yield page
      if (page.length < PAGE) return
      after = Number(page.at(-1)?.seq)
    }
  }

  async #transferred(rows: readonly ExportedRow[]): Promise<TransferredMessage[]> {
    const extended = rows.filter((row) => row.extended && row.deleted_at === null).map(({ id }) => id)
    const extensions = extended.length === 0 ? [] : await this.#store.extensions(extended)
    const byMessage = Map.groupBy(extensions, (extension) => extension.message_id)
    const sources = extended.length === 0 ? [] : await this.#store.sources(extended)
    const files = extended.length === 0 ? [] : await this.#store.files(extended)
    const shown = Map.groupBy(files, (file) => file.message_id)
    const cited = Map.groupBy(sources, (source) => source.message_id)
    const made = rows.filter((row) => row.sender_type === 'assistant' && row.deleted_at === null).map(({ id }) => id)
    const runs = made.length === 0 ? [] : await this.#store.runs(made)
    return rows.map((row) => {
      const run = runs.find(({ message_id }) => message_id === row.id)
      return transferredMessage(row, {
        extensions: byMessage.get(row.id) ?? [],
        files: (shown.get(row.id) ?? []).map(({ message_id: _, ...file }) => file),
        sources: cited.get(row.id) ?? [],
        run,
      })
    })
  }

  async *#markdown(chat: Chat, branch: Branch, head: number): AsyncGenerator<string> {
    yield headingMarkdown(chat, branch)
    for (let low = 1; low <= head; low += PAGE) {
      const messages = await this.#history.range(branch.id, low, Math.min(head, low + PAGE - 1))
      yield messages.map(messageMarkdown).join('')
    }
  }
}

function* inSlices<Item>(items: readonly Item[], size: number): Generator<Item[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size)
}

function transferredSource({ title, url, content, created_at }: SourceRow): TransferredMessage['sources'][number] {
  return {
    title,
    ...(url === null ? {} : { url }),
    ...(content === null ? {} : { content }),
    created_at: isoTime(created_at),
  }
}

function transferredRun({ question_id, answerer, usage, error }: RunRow): TransferredMessage['answer'] {
  return { question_id, answerer, usage, error }
}

function transferredBranch({
  id,
  name,
  parent_branch_id,
  fork_position,
  created_by,
  created_at,
}: Branch): TransferredBranch {
  return { id, name, parent_branch_id, fork_position, created_by, created_at }
}

/** What belongs to a message, beside its own row. */
type Beside = {
  extensions: readonly ExtensionRow[]
  files: TransferredMessage['files']
  sources: readonly SourceRow[]
  run: RunRow | undefined
}

function transferredMessage(row: ExportedRow, { extensions, files, sources, run }: Beside): TransferredMessage {
  const { id, branch_id, position, sender_type, sender_id, status } = row
  const deleted = row.deleted_at !== null
  return {
    id,
    branch_id,
    position,
    sender_type,
    sender_id,
    content: deleted ? '' : row.content,
    status,
    metadata: deleted ? {} : row.metadata,
    created_at: isoTime(row.created_at),
    edited_at: row.edited_at === null ? null : isoTime(row.edited_at),
    deleted_at: row.deleted_at === null ? null : isoTime(row.deleted_at),
    reactions: extensions
      .filter(({ type }) => type === 'reaction')
      .map(reactionOf)
      .sort(compareReactions),
    edits: extensions
      .filter(({ type }) => type === 'edit')
      .map(({ data, created_at, sender_id: replaced_by }) => ({
        content: String(data['content']),
        replaced_at: isoTime(created_at),
        replaced_by,
      })),
    attachments: extensions
      .filter(({ type }) => type === 'attachment')
      .map(attachmentOf)
      .sort(compareAttachments)
      .map(({ id: _, ...attachment }) => attachment),
    files,
    sources: sources.map(transferredSource),
    ...(run === undefined ? {} : { answer: transferredRun(run) }),
  }
}
