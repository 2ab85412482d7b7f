import type { Client } from '../rig/client.ts'

const WRITERS = 16
/** On both sides of the length from which Bun hands a frame on at once. */
const LENGTHS = [8000, 30_000]

/** Fills chats, turn by turn, with so many messages of these lengths, as fast as it goes. Resolves to how long it took, in milliseconds. */
export async function fill(
  client: Client,
  chats: readonly string[],
  messages: number,
  lengths: readonly number[] = LENGTHS,
): Promise<number> {
  const begun = performance.now()
  let left = messages
  const write = async () => {
    while (left > 0 && !client.deployment.stop.aborted) {
      left -= 1
      const content = 'x'.repeat(lengths[left % lengths.length] ?? 1)
      const body = { content, client_id: crypto.randomUUID() }
      await client.ask({ path: `/api/chats/${chats[left % chats.length]}/messages`, body })
    }
  }
  await Promise.all(Array.from({ length: WRITERS }, write))
  return performance.now() - begun
}
