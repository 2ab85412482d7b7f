import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { removeTemporaryDirectories, testDatabases } from '../support/database.ts'
import { killProducer } from './r7/producers.ts'
import { answerBadly } from './r7/run.ts'
import { sharedDatabases } from './rig/judge.ts'
import { canShareRedis } from './rig/redis.ts'

setDefaultTimeout(120_000)
afterAll(removeTemporaryDirectories)

describe('an AI service that is as bad as it can be', () => {
  const databases = testDatabases().filter(({ kind }) => kind === 'embedded' || canShareRedis)
  test.each(databases.map((database) => [database.kind, database] as const))(
    'on %s has each answer end once, with its text, for all who watch',
    async (_, database) => {
      const { faults } = await answerBadly(database, { answers: 28, atOnce: 28, limitMs: 110_000 })
      expect(faults).toEqual([])
    },
  )
})

const [shared] = sharedDatabases()

describe.skipIf(shared === undefined || !canShareRedis)('an instance that is killed', () => {
  test('while it takes calls back loses nothing that was sent', async () => {
    if (shared === undefined) return
    const modes = ['repeated', 'reordered', 'retried'] as const
    const { faults } = await answerBadly(shared, { answers: 30, atOnce: 10, modes, kills: 2, limitMs: 110_000 })
    expect(faults).toEqual([])
  })

  test('while it makes answers leaves what they said', async () => {
    if (shared === undefined) return
    const { faults } = await killProducer(shared, { answers: 6, limitMs: 110_000 })
    expect(faults).toEqual([])
  })
})
