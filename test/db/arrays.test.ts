import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { jsonTextArray, plainArray, textArray } from '../../src/db/arrays.ts'
import { type OpenedDatabase, testDatabases } from '../support/database.ts'

const TEXTS = [
  '',
  ' ',
  'null',
  'NULL',
  '{}',
  'a,b',
  '"',
  '\\',
  '\\"',
  "'",
  'line\nbreak\ttab',
  '\u007f\u2028',
  'żółć 🐘',
  '$&',
]

for (const { kind, open } of testDatabases()) {
  describe(`arrays as text on ${kind}`, () => {
    let database: OpenedDatabase
    beforeAll(async () => {
      database = await open()
    })
    afterAll(() => database.close())

    test('are what their values are', async () => {
      const ids = [Bun.randomUUIDv7(), null, Bun.randomUUIDv7()]
      const texts = [...TEXTS, null, TEXTS.join('')]
      const json = TEXTS.map((text) => JSON.stringify({ [text]: [text] }))
      // As JSON, since the driver reads a NULL in an array as a word.
      const [row] = await database.sql`
        SELECT to_json(${plainArray(ids)}::uuid[]) AS ids, to_json(${plainArray([1, null, -2])}::integer[]) AS numbers,
          to_json(${plainArray([])}::uuid[]) AS none, to_json(${textArray(texts)}::text[]) AS texts,
          to_json(${jsonTextArray(json)}::text[]) AS json`
      expect(row).toEqual({ ids, numbers: [1, null, -2], none: [], texts, json })
    })
  })
}
