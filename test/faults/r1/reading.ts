import { EventPage } from '../../../src/contract/chat-calls.ts'
import type { Client } from '../rig/client.ts'
import type { Ledger } from '../rig/ledger.ts'
import type { Logged } from '../rig/stored.ts'

/** Reads a chat's events, on from the last that it saw, until the ledger is complete and it has seen all. */
export async function read(client: Client, chatId: string, ledger: Ledger): Promise<Logged[]> {
  const seen: Logged[] = []
  while (true) {
    const wasComplete = ledger.complete
    const woken = ledger.next()
    for (let full = true; full; ) {
      const after = seen.at(-1)?.seq ?? 0
      const { answer } = await client.ask({ path: `/api/chats/${chatId}/events?after=${after}&limit=500` })
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
