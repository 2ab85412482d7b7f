import { type Client, createClient } from '../../client/src/client.ts'
import { startServer, type TestServer, type TestServerOptions } from './app.ts'
import type { OpenedDatabase, TestDatabase } from './database.ts'
import { type Person, signUp } from './person.ts'

/** A server with two people on it who know nothing of each other, each with a client of the package. */
export type People = {
  server: TestServer
  database: OpenedDatabase
  ada: Person & { client: Client }
  bob: Person & { client: Client }
  close(): Promise<void>
}

export async function openPeople(open: TestDatabase['open'], options: TestServerOptions = {}): Promise<People> {
  const database = await open()
  const server = await startServer({ ...options, database })
  const signUpWithClient = async (name: string) => {
    const person = await signUp(server, name)
    return { ...person, client: createClient(server.url, { token: person.access_token }) }
  }
  return {
    server,
    database,
    ada: await signUpWithClient('ada'),
    bob: await signUpWithClient('bob'),
    async close() {
      await server.close()
      await database.close()
    },
  }
}

/** What an answer refuses with. */
export async function refusalOf(answer: Response): Promise<{ status: number; reason: unknown }> {
  const body: unknown = await answer.json()
  const reason = typeof body === 'object' && body !== null && 'reason' in body ? body.reason : undefined
  return { status: answer.status, reason }
}
