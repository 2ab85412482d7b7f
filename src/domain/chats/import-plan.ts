import type { Issue } from '../../contract/failures.ts'
import type { TransferredBranch, TransferredMessage } from '../../contract/transfer.ts'

/** A branch of a document, and what the tables and the log know of it beside. */
export type PlannedBranch = TransferredBranch & {
  /** The branch that the message it forks at was written in; `null` for the root. */
  fork_branch_id: string | null
  /** The position of its newest message. */
  head: number
  /** As many of the document's messages were there before it. */
  after: number
}

/** No more faults of a document than these are told. */
export const FAULTS_MAX = 20

type Fault = (loc: (string | number)[], msg: string) => void

/**
 * What is wrong with a document as a tree: its branches hang together from one root and fork where their parents are,
 * and each branch's messages follow each other without gaps. Without a fault, the branches in an order in which they
 * can be made: each after its parent and after the message that it forks at.
 */
export function planOf(
  branches: readonly TransferredBranch[],
  messages: readonly TransferredMessage[],
  activeBranchId: string,
): { faults: Issue[]; ordered: PlannedBranch[] } {
  const faults: Issue[] = []
  const fault: Fault = (loc, msg) => {
    if (faults.length < FAULTS_MAX) faults.push({ loc: ['body', ...loc], msg, type: 'structure' })
  }
  assertTree(branches, fault)
  if (!branches.some(({ id }) => id === activeBranchId)) fault(['chat', 'active_branch_id'], 'There is no such branch.')
  const growth = faults.length > 0 ? undefined : grown(branches, messages, fault)
  return { faults, ordered: growth ?? [] }
}

/** Every branch comes from the one root. */
function assertTree(branches: readonly TransferredBranch[], fault: Fault): void {
  const places = new Map<string, number>()
  const children = new Map<string | null, number[]>()
  for (const [index, { id, parent_branch_id, fork_position }] of branches.entries()) {
    if (places.has(id)) fault(['branches', index, 'id'], 'Another branch has this id.')
    places.set(id, index)
    const siblings = children.get(parent_branch_id)
    if (siblings) siblings.push(index)
    else children.set(parent_branch_id, [index])
    if (parent_branch_id === null && fork_position !== 0) {
      fault(['branches', index, 'fork_position'], 'The root forks nowhere.')
    }
  }
  const [root, second] = children.get(null) ?? []
  if (root === undefined) fault(['branches'], 'No branch is the root.')
  if (second !== undefined) fault(['branches', second, 'parent_branch_id'], 'Another branch is the root.')
  const reached = new Set(children.get(null))
  // A set that grows is walked to its end.
  for (const index of reached) for (const child of children.get(branches[index]?.id ?? '') ?? []) reached.add(child)
  for (const [index, { parent_branch_id }] of branches.entries()) {
    const isKnown = parent_branch_id === null || places.has(parent_branch_id)
    if (!isKnown) fault(['branches', index, 'parent_branch_id'], 'There is no such branch.')
    else if (!reached.has(index)) fault(['branches', index, 'parent_branch_id'], 'It does not come from the root.')
  }
}

/** The branches of a tree, as they grow with its messages. */
function grown(
  branches: readonly TransferredBranch[],
  messages: readonly TransferredMessage[],
  fault: Fault,
): PlannedBranch[] {
  const places = new Map(branches.map(({ id }, index) => [id, index]))
  const planned = new Map<string, PlannedBranch>()

  /** Makes a branch, and those that it comes from, of the messages so far. */
  const branchFor = (id: string, after: number): PlannedBranch | undefined => {
    const missing: number[] = []
    for (let next: string | null = id; next !== null && !planned.has(next); ) {
      const index = places.get(next)
      if (index === undefined) return undefined
      missing.push(index)
      next = branches[index]?.parent_branch_id ?? null
    }
    for (const index of missing.reverse()) {
      const branch = branches[index]
      if (branch === undefined) continue
      const parent = planned.get(branch.parent_branch_id ?? '')
      if (parent !== undefined && branch.fork_position > parent.head) {
        const end =
          after === messages.length ? `ends at ${parent.head}` : `is at ${parent.head} where message ${after} comes`
        fault(['branches', index, 'fork_position'], `Its parent ${end}.`)
      }
      const fork_branch_id = parent === undefined ? null : writtenIn(parent, branch.fork_position, planned)
      // Where clocks differed: a list of branches goes by time, and begins with the root.
      const created_at =
        parent !== undefined && parent.created_at > branch.created_at ? parent.created_at : branch.created_at
      planned.set(branch.id, { ...branch, created_at, fork_branch_id, head: branch.fork_position, after })
    }
    return planned.get(id)
  }

  const ids = new Set<string>()
  for (const [index, { id, branch_id, position }] of messages.entries()) {
    // An answer names its question by it.
    if (ids.has(id)) fault(['messages', index, 'id'], 'Another message has this id.')
    ids.add(id)
    const branch = branchFor(branch_id, index)
    if (branch === undefined) fault(['messages', index, 'branch_id'], 'There is no such branch.')
    else if (position !== branch.head + 1) {
      fault(['messages', index, 'position'], `The next place of its branch is ${branch.head + 1}.`)
    } else branch.head = position
  }
  for (const { id } of branches) branchFor(id, messages.length)
  return [...planned.values()]
}

/** The branch in which the message at a position of a branch's history was written; the root before the first. */
function writtenIn(branch: PlannedBranch, position: number, planned: ReadonlyMap<string, PlannedBranch>): string {
  let line = branch
  while (position <= line.fork_position && line.fork_branch_id !== null) {
    const older = planned.get(line.fork_branch_id)
    if (older === undefined) break
    line = older
  }
  return line.id
}
