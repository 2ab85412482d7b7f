import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { createTRPCClient, httpBatchLink, TRPCClientError } from '@trpc/client'
import type { Router } from '../../client/src/trpc.ts'
import { DemoAnswerer } from '../../src/adapters/answerers/demo.ts'
import { testDatabases } from '../support/database.ts'
import { openPeople, type People } from '../support/people.ts'

setDefaultTimeout(60_000)

for (const { kind, open } of testDatabases()) {
  describe(`the desk as procedures on ${kind}`, () => {
    let people: People
    beforeAll(async () => {
      people = await openPeople(open, { env: { PUBLIC_APIS: 'sessions' }, answerer: new DemoAnswerer() })
    })
    afterAll(() => people.close())

    const desk = (who: 'ada' | 'bob' = 'ada') =>
      createTRPCClient<Router>({
        links: [httpBatchLink({ url: `${people.server.url}/trpc`, headers: people[who].headers })],
      }).desk
    const reasonOf = (call: Promise<unknown>) =>
      call.then(
        () => undefined,
        // What these calls throw, with the types of this router.
        (error: unknown) =>
          error instanceof TRPCClientError ? (error as TRPCClientError<Router>).data?.reason : error,
      )

    test('a session is made, spoken in, read and listed, and is the one of the REST door', async () => {
      const session_id = 'by tRPC'
      const made = await desk().create.mutate({ id: session_id, title: 'Talk' })
      expect(made.messages).toEqual([])
      const said = await desk().post.mutate({ session_id, content: 'one', sender: 'assistant' })
      const session = { ...made, messages: [said] }
      expect(await desk().get.query({ session_id })).toEqual(session)
      expect(await desk().get.query({ session_id, offset: 1 })).toEqual(made)
      expect(await desk().list.query()).toEqual([session])
      expect(await desk().list.query({ offset: 1 })).toEqual([])
      expect(await (await people.ada.call('/api/sessions/by%20tRPC')).json()).toEqual(session)
    })

    test('what is refused has its reason', async () => {
      await desk().create.mutate({ id: 'taken', title: 'Talk' })
      expect(await reasonOf(desk().create.mutate({ id: 'taken', title: 'Talk' }))).toBe('session_exists')
      expect(await reasonOf(desk('bob').get.query({ session_id: 'taken' }))).toBe('session_missing')
      const late = desk('bob').post.mutate({ session_id: 'taken', content: 'hi', sender: 'user' })
      expect(await reasonOf(late)).toBe('session_missing')
      expect(await reasonOf(desk().create.mutate({ id: 'a/b', title: 'Talk' }))).toBe('invalid')
    })
  })
}
