import { Message } from '../../../src/contract/chats.ts'
import type { Client } from './client.ts'
import type { Ledger } from './ledger.ts'

/** Writers that post until their ledger is closed, turn by turn to these chats. Resolves when the last has stopped. */
export async function keepPosting(
  client: Client,
  chats: readonly string[],
  ledger: Ledger,
  { writers, pauseMs = 0 }: { writers: number; pauseMs?: number },
): Promise<void> {
  await Promise.all(
    Array.from({ length: writers }, (_, number) =>
      write(client, chats[number % chats.length] ?? '', `Writer ${number}`, ledger, pauseMs),
    ),
  )
}

/** Posts one message after the other until the ledger is closed; each again and again until it is acknowledged. */
async function write(client: Client, chatId: string, name: string, ledger: Ledger, pauseMs: number): Promise<void> {
  for (let number = 1; !ledger.closed; number += 1) {
    const clientId = crypto.randomUUID()
    const content = `${name} says ${number}`
    const body = { content, client_id: clientId }
    const { answer, tries } = await client.ask({ path: `/api/chats/${chatId}/messages`, body })
    const { id, position, seq } = Message.parse(answer)
    if (tries > 1) ledger.retried += 1
    ledger.add({ clientId, id, chatId, position, seq, content })
    if (pauseMs > 0) await Bun.sleep(pauseMs)
  }
}
