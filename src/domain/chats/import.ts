import { type Answering, NO_ANSWERING } from '../../contract/answering.ts'
import type { Chat } from '../../contract/chats.ts'
import type { Issue } from '../../contract/failures.ts'
import { type ImportedDocument, TransferredMessage } from '../../contract/transfer.ts'
import { type Actor, isPrivileged } from '../accounts/actor.ts'
import { Refusal } from '../refusal.ts'
import { Turns } from '../turns.ts'
import { idOf } from './access.ts'
import type { AnsweringService } from './answering.ts'
import { ImportBatches, type Speaker } from './import-batches.ts'
import { FAULTS_MAX, planOf } from './import-plan.ts'
import type { ImportStore } from './import-store.ts'

/** A large document fills memory and keeps the only connection of an embedded database. */
const AT_ONCE = { atOnce: 1, waiting: 4 }

/** As many messages are checked before others have their turn. */
const SLICE = 500

/** Makes chats of documents that an export wrote. */
export class ChatImporter {
  readonly #store: ImportStore
  readonly #answering: Pick<AnsweringService, 'has'>
  readonly #turns = new Turns(AT_ONCE)

  constructor(store: ImportStore, answering: Pick<AnsweringService, 'has'>) {
    this.#store = store
    this.#answering = answering
  }

  /**
   * A new chat of the actor's own, whole or not at all. What the document's owner said and did is the actor's now.
   * Who is not privileged speaks for nobody else: others' messages lose their sender, and their reactions are left
   * out. Throws `Refusal('invalid')` with what is wrong.
   */
  import(actor: Actor, { messages: unchecked, chat: source, branches }: ImportedDocument): Promise<Chat> {
    return this.#turns.take(async () => {
      const messages = await checked(unchecked)
      assertQuestions(messages)
      const { faults, ordered } = planOf(branches, messages, source.active_branch_id)
      if (faults.length > 0) throw new Refusal('invalid', { issues: faults })
      const id = Bun.randomUUIDv7()
      const at = new Date().toISOString()
      const { title, metadata, created_at, archived_at } = source
      const user_id = idOf(actor)
      // The root has its chat's id. Of the others, ids have the order of the document, as lists of branches do.
      const branchIds = new Map(
        branches.map((one) => [one.id, one.parent_branch_id === null ? id : Bun.randomUUIDv7()]),
      )
      const active_branch_id = branchIds.get(source.active_branch_id) ?? id
      const chat = { id, title, user_id, metadata, active_branch_id, created_at, archived_at }
      const speaker = speakerFor(actor, source.user_id)
      const messageId = () => Bun.randomUUIDv7()
      const answering = this.#answeringOf(source)
      const parts = new ImportBatches({
        chat,
        answering,
        branches: ordered,
        messages,
        branchIds,
        messageId,
        speaker,
        at,
      })
      await this.#store.insert(actor, { chat, at, parts })
      return { ...chat, last_seq: parts.lastSeq, updated_at: at, deleted_at: null }
    })
  }

  /** Who answers is the server's own word, and another's may have none of that name. */
  #answeringOf({ answering = NO_ANSWERING }: ImportedDocument['chat']): Answering {
    const { answerer } = answering
    return { ...answering, answerer: answerer !== null && this.#answering.has(answerer) ? answerer : null }
  }
}

/** Throws `Refusal('invalid')` with the places of what is wrong. */
async function checked(unchecked: readonly unknown[]): Promise<TransferredMessage[]> {
  const messages: TransferredMessage[] = []
  const faults: Issue[] = []
  for (const [index, one] of unchecked.entries()) {
    if (index % SLICE === SLICE - 1) await new Promise(setImmediate)
    const { data, error } = TransferredMessage.safeParse(one)
    if (data !== undefined) messages.push(data)
    for (const { path, message, code } of error?.issues ?? []) {
      const place = path.map((key) => (typeof key === 'number' ? key : String(key)))
      faults.push({ loc: ['body', 'messages', index, ...place], msg: message, type: code })
    }
    if (faults.length >= FAULTS_MAX) break
  }
  if (faults.length > 0) throw new Refusal('invalid', { issues: faults.slice(0, FAULTS_MAX) })
  return messages
}

/** Throws `Refusal('invalid')` for answers to what is not there, or comes later. */
function assertQuestions(messages: readonly TransferredMessage[]): void {
  const known = new Set<string>()
  const faults: Issue[] = []
  for (const [index, { id, answer }] of messages.entries()) {
    if (answer !== undefined && !known.has(answer.question_id)) {
      const loc = ['body', 'messages', index, 'answer', 'question_id']
      faults.push({ loc, msg: 'There is no such message before it.', type: 'structure' })
    }
    known.add(id)
  }
  if (faults.length > 0) throw new Refusal('invalid', { issues: faults.slice(0, FAULTS_MAX) })
}

function speakerFor(actor: Actor, formerOwner: string | null): Speaker {
  const own = idOf(actor)
  return (person) => {
    if (person === null || person === own) return person
    if (own !== null && person === formerOwner) return own
    return isPrivileged(actor) ? person : null
  }
}
