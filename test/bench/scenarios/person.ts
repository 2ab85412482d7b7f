import type { z } from 'zod'
import { Registration, SignedIn } from '../../../src/contract/accounts.ts'
import { ChatWithMessages } from '../../../src/contract/chat-calls.ts'
import type { BenchServer } from '../harness/ground.ts'

/** Somebody with an account, who made some chats. */
export type Person = { accountId: string; headers: Record<string, string>; chatIds: string[] }

/** Signs up at a server, over its API, and makes chats. */
export async function newPerson(server: BenchServer, chats: number): Promise<Person> {
  const post = async <Body extends z.ZodType>(path: string, body: object, headers: object, answer: Body) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
    return answer.parse(await response.json())
  }
  const username = `poster-${crypto.randomUUID().slice(0, 8)}`
  const draft = { username, email: `${username}@example.org`, password: 'Correct-Horse-9' }
  const { access_token, user } = await post('/api/auth/register', Registration.parse(draft), {}, SignedIn)
  const headers = { authorization: `Bearer ${access_token}`, 'content-type': 'application/json' }
  const made = Array.from({ length: chats }, (_, index) =>
    post('/api/chats/', { title: `Chat ${index}` }, headers, ChatWithMessages),
  )
  return { accountId: user.id, headers, chatIds: (await Promise.all(made)).map(({ id }) => id) }
}
