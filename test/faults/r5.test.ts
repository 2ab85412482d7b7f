import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { readBeyondRetention } from './r5/run.ts'
import { sharedDatabases } from './rig/judge.ts'

setDefaultTimeout(90_000)

describe('readers of a log that forgets', () => {
  test.each(sharedDatabases().map((database) => [database.kind, database] as const))(
    'on %s begin with a snapshot where something is missing, and miss nothing else',
    async (_, database) => {
      const { faults } = await readBeyondRetention(database, { chats: 1, cursors: 10, returns: 4, limitMs: 80_000 })
      expect(faults).toEqual([])
    },
  )
})
