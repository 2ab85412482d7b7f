import type { BranchTree } from '../../contract/branch-calls.ts'
import type {
  AnsweredQuestion,
  Line,
  LineBranch,
  LineHistory,
  LineTree,
  QaPair,
  WholeTree,
} from '../../contract/branching.ts'
import { type Branch, type Chat, type Message, Title } from '../../contract/chats.ts'
import type { Reason } from '../../contract/failures.ts'
import type { Actor } from '../../domain/accounts/actor.ts'
import { answerClientId } from '../../domain/answers/new-answers.ts'
import type { AnswerService } from '../../domain/answers/service.ts'
import type { ChatServices } from '../../domain/chats/services.ts'
import { Refusal } from '../../domain/refusal.ts'
import { issuesOf } from '../plugins/issues.ts'

/** Of a line's history this much is shown: the newest. */
export const LINE_MESSAGES_MAX = 1000
const NAME_MAX = 200

/** A chat as the Branching API knows it: the root branch of one of ours, or any other branch. */
type Opened = { chat: Chat; branch: Branch; isRoot: boolean; name: string }

/** The chats of the Branching API, each a branch of one of ours. */
export class Lines {
  readonly #services: ChatServices
  readonly #answers: AnswerService

  constructor(services: ChatServices, answers: AnswerService) {
    this.#services = services
    this.#answers = answers
  }

  async create(actor: Actor, title: string, chatType: Line['chat_type']): Promise<Line> {
    const metadata = chatType === 'branch' ? { chat_type: chatType } : {}
    const chat = await this.#services.chats.create(actor, { title, metadata })
    return { ...lineOfChat(chat), chat_type: chatType }
  }

  async read(actor: Actor, id: string): Promise<LineHistory> {
    const opened = await this.#open(actor, id)
    const { messages, forks } = this.#services
    const history = await messages.page(actor, opened.chat.id, id, { from: 'end', limit: LINE_MESSAGES_MAX })
    const answered = answeredIn(history)
    const starting = await forks.startingAt(
      actor,
      opened.chat.id,
      answered.map(({ answer }) => answer),
    )
    const qa_pairs = answered.map((pair) => pairOf(pair, starting.get(pair.answer.id) ?? []))
    return { chat: lineOf(opened), qa_pairs, active_branch_id: opened.chat.active_branch_id }
  }

  async change(actor: Actor, id: string, name: string | undefined, active: boolean | undefined): Promise<Line> {
    const { chat, isRoot } = await this.#open(actor, id)
    const { chats, branches } = this.#services
    const archived = active === undefined ? undefined : !active
    if (isRoot) {
      const title = name === undefined ? undefined : titleOf(name)
      return lineOfChat(await chats.update(actor, chat.id, { title, archived }))
    }
    // Read only from then on: it is named before it goes into the archive, or once it is out.
    if (archived === false) await chats.update(actor, chat.id, { archived })
    if (name !== undefined) await branches.rename(actor, chat.id, id, name)
    if (archived === true) await chats.update(actor, chat.id, { archived })
    return lineOf(await this.#open(actor, id))
  }

  async remove(actor: Actor, id: string): Promise<void> {
    const { isRoot } = await this.#open(actor, id)
    if (!isRoot) throw new Refusal('branch_kept')
    await this.#services.chats.remove(actor, id)
  }

  async ask(actor: Actor, id: string, question: string, clientId: string | undefined): Promise<AnsweredQuestion> {
    const { chatId } = await this.#services.branches.chatOf(actor, id)
    const answered = await this.#answers.ask(actor, chatId, { branchId: id, question, clientId })
    const { answer } = answered
    const starting = await this.#services.forks.startingAt(actor, chatId, [answer])
    return { ...pairOf(answered, starting.get(answer.id) ?? []), metadata: answer.metadata }
  }

  async branch(actor: Actor, id: string, responseId: string, name: string | undefined): Promise<LineBranch> {
    const opened = await this.#open(actor, id)
    const { branches, messages } = this.#services
    const made = await missingAsResponse(async () => {
      const { message_type } = await messages.get(actor, opened.chat.id, responseId)
      if (message_type !== 'ai') throw new Refusal('response_missing')
      const branchName = name ?? branchNameOf(opened.name)
      return branches.create(actor, opened.chat.id, { messageId: responseId, parentId: id, name: branchName })
    })
    return branchOfLine(made, opened.chat, responseId)
  }

  /** Those that were made from this one, oldest first. */
  async branches(actor: Actor, id: string): Promise<LineBranch[]> {
    const { chat } = await this.#open(actor, id)
    const made = (await this.#services.branches.list(actor, chat.id)).filter((branch) => branch.parent_branch_id === id)
    const origins = await this.#services.forks.origins(actor, chat.id, made)
    return made.map((branch) => branchOfLine(branch, chat, origins.get(branch.id) ?? null))
  }

  async tree(actor: Actor, id: string): Promise<WholeTree> {
    const { chat } = await this.#open(actor, id)
    return { root_id: chat.id, tree: treeOf(await this.#services.branches.tree(actor, chat.id), chat) }
  }

  async activate(actor: Actor, id: string, branchId: string): Promise<void> {
    const { chatId } = await this.#services.branches.chatOf(actor, id)
    await this.#services.branches.activate(actor, chatId, branchId)
  }

  async #open(actor: Actor, id: string): Promise<Opened> {
    const { branches, chats } = this.#services
    const { chatId } = await branches.chatOf(actor, id)
    const [chat, branch] = await Promise.all([chats.get(actor, chatId), branches.get(actor, chatId, id)])
    return { chat, branch, isRoot: id === chatId, name: nameOf(branch, chat) }
  }
}

function lineOf({ chat, branch, isRoot, name }: Opened): Line {
  const line = lineOfChat(chat)
  return isRoot ? line : { ...line, id: branch.id, name, chat_type: 'branch', created_at: branch.created_at }
}

function lineOfChat({ id, title, metadata, user_id, created_at, updated_at, archived_at }: Chat): Line {
  const chat_type = metadata['chat_type'] === 'branch' ? 'branch' : 'personal'
  return { id, name: title, chat_type, account_id: user_id, created_at, updated_at, active: archived_at === null }
}

function nameOf({ id, name }: { id: string; name: string | null }, chat: Chat): string {
  return id === chat.id ? chat.title : (name ?? branchNameOf(chat.title))
}

/** Not past the longest name, and not through the middle of a character. */
function branchNameOf(name: string): string {
  return `Branch of ${name}`.slice(0, NAME_MAX).replace(/[\ud800-\udbff]$/, '')
}

/** A chat's name is shorter than a branch's may be. */
function titleOf(name: string): string {
  const { error } = Title.safeParse(name)
  if (error) throw new Refusal('invalid', { issues: issuesOf(error.issues, 'body', 'name') })
  return name
}

function branchOfLine(branch: Branch, chat: Chat, responseId: string | null): LineBranch {
  const { id, parent_branch_id, created_at } = branch
  const parent_chat_id = parent_branch_id ?? chat.id
  return { id, name: nameOf(branch, chat), parent_chat_id, parent_response_id: responseId, created_at }
}

function treeOf({ id, name, parent_id, children }: BranchTree, chat: Chat): LineTree {
  return { id, name: nameOf({ id, name }, chat), parent_id, children: children.map((child) => treeOf(child, chat)) }
}

type Answered = { question: Message; answer: Message }

/**
 * The questions of a history with their answers. An answer belongs to the question that it was made for; where that is not
 * known, to the message right before it. A question without an answer, and what was deleted, is left out.
 */
function answeredIn(history: readonly Message[]): Answered[] {
  const answered: Answered[] = []
  const questions = new Map<string, Message>()
  let before: Message | undefined
  for (const message of history) {
    if (message.sender_type === 'user') questions.set(answerClientId(message.id), message)
    if (message.message_type === 'ai') {
      const asked = questions.get(message.client_id ?? '') ?? before
      const isWhole = asked?.deleted_at === null && message.deleted_at === null && isSaid(message)
      if (asked?.sender_type === 'user' && isWhole) answered.push({ question: asked, answer: message })
    }
    before = message
  }
  return answered
}

/** An answer that is still being made, or could not be, answers nothing. */
function isSaid({ status, content }: Message): boolean {
  return (status === 'completed' || status === 'stopped') && content !== ''
}

function pairOf({ question, answer }: Answered, branches: string[]): QaPair {
  return {
    question: question.content,
    response: answer.content,
    response_id: answer.id,
    timestamp: answer.created_at,
    branches,
  }
}

const MISSING: readonly Reason[] = ['message_missing', 'branch_missing']

/** In this API a message that is not there, or not in that line, is a response that is not found. */
async function missingAsResponse<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (fault) {
    throw fault instanceof Refusal && MISSING.includes(fault.reason) ? new Refusal('response_missing') : fault
  }
}
