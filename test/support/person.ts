import { SignedIn } from '../../src/contract/accounts.ts'
import type { TestServer } from './app.ts'

/** Somebody who is signed in at a server. */
export type Person = SignedIn & {
  password: string
  headers: { authorization: string }
  call(path: string, init?: RequestInit): Promise<Response>
  /** A JSON value by `POST`, or by another method. */
  send(path: string, body: unknown, method?: string): Promise<Response>
}

export const PASSWORD = 'Correct-Horse-9'

/** Registers somebody new. `name` starts the username. */
export async function signUp(server: TestServer, name = 'person', password = PASSWORD): Promise<Person> {
  const username = `${name}-${crypto.randomUUID().slice(0, 8)}`
  const answer = await server.post('/api/auth/register', { username, email: `${username}@example.com`, password })
  return personOf(server, SignedIn.parse(await answer.json()), password)
}

export function personOf(server: TestServer, signedIn: SignedIn, password = PASSWORD): Person {
  const headers = { authorization: `Bearer ${signedIn.access_token}` }
  const call: Person['call'] = (path, init) =>
    server.call(path, { ...init, headers: { ...headers, ...Object.fromEntries(new Headers(init?.headers)) } })
  return {
    ...signedIn,
    password,
    headers,
    call,
    send: (path, body, method = 'POST') =>
      call(path, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  }
}
