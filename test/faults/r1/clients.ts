import { z } from 'zod'
import { EventPage } from '../../../src/contract/chat-calls.ts'
import { Chat, Message } from '../../../src/contract/chats.ts'
import type { KilledServer } from './killed-server.ts'
import type { Ledger } from './ledger.ts'

/** What one request may take, with the server alive or not. */
const REQUEST_MS = 10_000

export type Client = { server: KilledServer; token: string; stop: AbortSignal }

/** Asks until an answer comes, whichever process gives it: resolves to its body, and how often it was asked for. */
async function ask(
  { server, token, stop }: Client,
  path: string,
  body?: object,
): Promise<{ answer: unknown; tries: number }> {
  for (let tries = 1; ; tries += 1) {
    stop.throwIfAborted()
    const address = await server.address
    try {
      const response = await fetch(`${address}${path}`, {
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        signal: AbortSignal.timeout(REQUEST_MS),
        ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
      })
      const answer: unknown = await response.json()
      if (response.ok) return { answer, tries }
      if (response.status !== 503) throw new Answered(`${path}: ${response.status} ${JSON.stringify(answer)}`)
    } catch (fault) {
      // Everything else is the connection: the server was killed before it had answered.
      if (fault instanceof Answered) throw fault
    }
  }
}

class Answered extends Error {}

/** A new account's token. */
export async function signUp(server: KilledServer, stop: AbortSignal): Promise<Client> {
  const name = `r1-${crypto.randomUUID()}`
  const registration = { username: name, email: `${name}@example.com`, password: crypto.randomUUID() }
  const { answer } = await ask({ server, token: '', stop }, '/api/auth/register', registration)
  return { server, token: z.object({ access_token: z.string() }).parse(answer).access_token, stop }
}

export async function makeChat(client: Client): Promise<string> {
  const { answer } = await ask(client, '/api/chats', { title: 'R1' })
  return Chat.parse(answer).id
}

/** Posts one message after the other until the ledger is closed; each again and again until it is acknowledged. */
export async function write(client: Client, chatId: string, name: string, ledger: Ledger): Promise<void> {
  for (let number = 1; !ledger.closed; number += 1) {
    const clientId = crypto.randomUUID()
    const content = `${name} says ${number}`
    const { answer, tries } = await ask(client, `/api/chats/${chatId}/messages`, { content, client_id: clientId })
    const { id, position, seq } = Message.parse(answer)
    if (tries > 1) ledger.retried += 1
    ledger.add({ clientId, id, chatId, position, seq, content })
  }
}

/** What a reader saw: the `seq` of each event, and the message of those that tell of one. */
export type Seen = { seq: number; messageId: string | undefined }

/** Reads a chat's events, on from the last that it saw, until the ledger is complete and it has seen all. */
export async function read(client: Client, chatId: string, ledger: Ledger): Promise<Seen[]> {
  const seen: Seen[] = []
  while (true) {
    const wasComplete = ledger.complete
    const woken = ledger.next()
    for (let full = true; full; ) {
      const after = seen.at(-1)?.seq ?? 0
      const { answer } = await ask(client, `/api/chats/${chatId}/events?after=${after}&limit=500`)
      const { events, complete } = EventPage.parse(answer)
      if (!complete) throw new Error(`The log of ${chatId} has a gap after ${after}.`)
      for (const { seq, type, data } of events) {
        seen.push({ seq, messageId: type === 'message.created' ? data.id : undefined })
      }
      full = events.length === 500
    }
    if (wasComplete) return seen
    await woken
  }
}
