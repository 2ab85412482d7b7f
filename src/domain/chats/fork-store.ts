import type { Database } from '../../db/open.ts'

/** A branch, and the message that it shares the history up to. */
export type ForkAt = { branch_id: string; message_id: string }

export class ForkStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** The branches that fork at these messages, oldest first. */
  async at(messageIds: readonly string[]): Promise<ForkAt[]> {
    return this.#database.within(
      () => this.#database.sql<ForkAt[]>`
        SELECT branches.id AS branch_id, messages.id AS message_id
        FROM messages JOIN branches
          ON branches.fork_branch_id = messages.branch_id AND branches.fork_position = messages.position
        WHERE messages.id = ANY (${messageIds}::uuid[])
        ORDER BY branches.created_at, branches.id`,
    )
  }

  /** Where these branches fork, without those that fork before the first message. */
  async of(branchIds: readonly string[]): Promise<ForkAt[]> {
    return this.#database.within(
      () => this.#database.sql<ForkAt[]>`
        SELECT branches.id AS branch_id, messages.id AS message_id
        FROM branches JOIN messages
          ON messages.branch_id = branches.fork_branch_id AND messages.position = branches.fork_position
        WHERE branches.id = ANY (${branchIds}::uuid[])`,
    )
  }
}
