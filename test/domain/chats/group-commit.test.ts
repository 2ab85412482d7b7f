import { describe, expect, test } from 'bun:test'
import { type CommitLimits, GroupCommit } from '../../../src/domain/chats/group-commit.ts'
import { Refusal } from '../../../src/domain/refusal.ts'

type Attempt = { rows: string[]; answer(): void; fail(fault: unknown): void }

/** A group commit of words whose commits wait for the test to answer them. An answer is the word in capitals. */
function committing({ rows = 100, weight = 1000, waiting = 1000 }: Partial<CommitLimits> = {}) {
  const attempts: Attempt[] = []
  let arrived = Promise.withResolvers<void>()
  const group = new GroupCommit<string, string>(
    { rows, weight, waiting },
    (word) => word.length,
    (words) => {
      const outcome = Promise.withResolvers<string[]>()
      const answer = () => outcome.resolve(words.map((word) => word.toUpperCase()))
      attempts.push({ rows: words, answer, fail: outcome.reject })
      arrived.resolve()
      arrived = Promise.withResolvers()
      return outcome.promise
    },
  )
  /** The commit of this number, from 1, once it is asked for. */
  const attempt = async (number: number): Promise<Attempt> => {
    while (true) {
      const made = attempts[number - 1]
      if (made !== undefined) return made
      await arrived.promise
    }
  }
  return { group, attempts, attempt }
}

const reasons = (settled: PromiseSettledResult<string>[]) =>
  settled.map((one) => (one.status === 'fulfilled' ? one.value : (one.reason.reason ?? one.reason.message)))

describe('group commit', () => {
  test('an idle one commits at once, with all that came in the same turn', async () => {
    const { group, attempt } = committing()
    const added = [group.add('a'), group.add('b')]
    await Promise.resolve()
    const first = await attempt(1)
    expect(first.rows).toEqual(['a', 'b'])
    first.answer()
    expect(await Promise.all(added)).toEqual(['A', 'B'])
  })

  test('what arrives during a commit goes together in the next, in the order of arrival', async () => {
    const { group, attempts, attempt } = committing()
    const added = [group.add('a')]
    const first = await attempt(1)
    for (const word of ['b', 'c', 'd']) added.push(group.add(word))
    expect(attempts).toHaveLength(1)
    first.answer()
    const second = await attempt(2)
    expect(second.rows).toEqual(['b', 'c', 'd'])
    second.answer()
    expect(await Promise.all(added)).toEqual(['A', 'B', 'C', 'D'])
    expect(attempts).toHaveLength(2)
  })

  test('callers who add again when they are answered end up in two commits of a half each, by turns', async () => {
    const { group, attempts, attempt } = committing()
    const caller = async () => {
      for (let time = 0; time < 6; time += 1) await group.add('a')
    }
    // The first is alone in its commit, and would be in every other one.
    const callers = [caller()]
    await attempt(1)
    for (let more = 0; more < 63; more += 1) callers.push(caller())
    const done = Promise.all(callers).then(() => undefined)
    for (let number = 1; ; number += 1) {
      const commit = await Promise.race([attempt(number), done])
      if (commit === undefined) break
      // A commit takes longer than its callers do to add again.
      await new Promise(setImmediate)
      commit.answer()
    }
    expect(attempts.slice(0, 8).map(({ rows }) => rows.length)).toEqual([1, 32, 32, 32, 32, 32, 32, 32])
  })

  test('the next commit is on its way before the callers of the last one are answered', async () => {
    const { group, attempts, attempt } = committing()
    const seen: number[] = []
    const added = [group.add('a').then(() => seen.push(attempts.length))]
    const first = await attempt(1)
    added.push(group.add('b').then(() => seen.push(attempts.length)))
    first.answer()
    const second = await attempt(2)
    second.answer()
    await Promise.all(added)
    expect(seen).toEqual([2, 2])
  })

  test('a row that arrives as a commit is answered is not forgotten', async () => {
    const { group, attempt } = committing()
    for (let round = 1; round <= 5; round += 1) {
      const added = group.add('a')
      const commit = await attempt(round)
      commit.answer()
      await added
    }
    const last = group.add('b')
    const chained = last.then(() => group.add('c'))
    const sixth = await attempt(6)
    sixth.answer()
    const seventh = await attempt(7)
    seventh.answer()
    expect(await chained).toBe('C')
  })

  test('no commit has more rows than the limit', async () => {
    const { group, attempt } = committing({ rows: 2 })
    const added = ['a', 'b', 'c', 'd', 'e'].map((word) => group.add(word))
    for (const [index, rows] of [['a', 'b'], ['c', 'd'], ['e']].entries()) {
      const commit = await attempt(index + 1)
      expect(commit.rows).toEqual(rows)
      commit.answer()
    }
    expect(await Promise.all(added)).toEqual(['A', 'B', 'C', 'D', 'E'])
  })

  test('no commit weighs more than the limit, but for a single row that does so alone', async () => {
    const { group, attempt } = committing({ weight: 4 })
    const added = ['aa', 'bb', 'c', 'too heavy', 'd'].map((word) => group.add(word))
    for (const [index, rows] of [['aa', 'bb'], ['c'], ['too heavy'], ['d']].entries()) {
      const commit = await attempt(index + 1)
      expect(commit.rows).toEqual(rows)
      commit.answer()
    }
    await Promise.all(added)
  })

  test('refuses what is past the limit of waiting rows, and takes rows again afterwards', async () => {
    const { group, attempt } = committing({ waiting: 2 })
    const first = group.add('a')
    const commit = await attempt(1)
    const waiting = [group.add('b'), group.add('c')]
    expect(reasons(await Promise.allSettled([group.add('d')]))).toEqual(['overloaded'])
    commit.answer()
    const second = await attempt(2)
    const third = group.add('e')
    second.answer()
    const last = await attempt(3)
    last.answer()
    expect(await Promise.all([first, ...waiting, third])).toEqual(['A', 'B', 'C', 'E'])
  })

  test('of a batch with bad rows each bad one fails alone, and the others stay in order', async () => {
    const committed: string[] = []
    const group = new GroupCommit<string, string>(
      { rows: 100, weight: 1000, waiting: 100 },
      () => 1,
      async (words) => {
        if (words.some((word) => word.startsWith('bad'))) throw new Error(`refused ${words.length}`)
        committed.push(...words)
        return words
      },
    )
    const words = ['a', 'b', 'bad 1', 'c', 'd', 'e', 'bad 2', 'f', 'g']
    const settled = await Promise.allSettled(words.map((word) => group.add(word)))
    expect(reasons(settled)).toEqual(['a', 'b', 'refused 1', 'c', 'd', 'e', 'refused 1', 'f', 'g'])
    expect(committed).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g'])
  })

  test('a row that its commit does not answer is told so', async () => {
    const group = new GroupCommit<string, string>(
      { rows: 10, weight: 10, waiting: 10 },
      () => 1,
      async () => ['only one'],
    )
    const settled = await Promise.allSettled([group.add('a'), group.add('b')])
    expect(reasons(settled)).toEqual(['only one', 'A commit left a row without its outcome.'])
  })

  test('where the store is away, the batch and all who wait behind it are told at once', async () => {
    const { group, attempts, attempt } = committing({ rows: 2 })
    const added = ['a', 'b', 'c', 'd', 'e'].map((word) => group.add(word))
    const first = await attempt(1)
    first.fail(new Refusal('storage_unavailable'))
    expect(reasons(await Promise.allSettled(added))).toEqual(Array(5).fill('storage_unavailable'))
    expect(attempts).toHaveLength(1)
    const later = group.add('f')
    const second = await attempt(2)
    second.answer()
    expect(await later).toBe('F')
  })

  test('where the store goes away while bad rows are looked for, the rest of the batch is told at once', async () => {
    const { group, attempts, attempt } = committing()
    const added = ['a', 'b', 'c', 'd'].map((word) => group.add(word))
    const whole = await attempt(1)
    whole.fail(new Error('one of them is bad'))
    const half = await attempt(2)
    expect(half.rows).toEqual(['a', 'b'])
    half.fail(new Refusal('storage_unavailable'))
    expect(reasons(await Promise.allSettled(added))).toEqual(Array(4).fill('storage_unavailable'))
    expect(attempts).toHaveLength(2)
  })
})
