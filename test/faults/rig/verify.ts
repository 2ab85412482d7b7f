import type { Deployment } from './deployment.ts'
import type { Ledger } from './ledger.ts'
import type { LiveReader } from './live-reader.ts'
import { faultsOf, logOf } from './stored.ts'

/**
 * Waits until every reader was told of all that there is, then compares: what the writers were told is stored, and what each
 * reader saw is the log. The writers have stopped.
 */
export async function verifyReaders(
  deployment: Deployment,
  chats: readonly string[],
  readers: readonly LiveReader[],
  ledger: Ledger,
): Promise<string[]> {
  const newest = new Map<string, number>()
  for (const { chatId, seq } of ledger.acknowledged) newest.set(chatId, Math.max(newest.get(chatId) ?? 0, seq))
  const told = readers.map((reader) => reader.reaches(newest.get(reader.chatId) ?? 0))
  await deployment.within(Promise.all(told))
  for (const reader of readers) reader.end()
  return deployment.stored(async (stored) => {
    const faults: string[] = []
    for (const chatId of chats) {
      const acknowledged = ledger.acknowledged.filter((message) => message.chatId === chatId)
      faults.push(...(await faultsOf(stored, chatId, acknowledged)))
      const log = await logOf(stored, chatId)
      const own = readers.filter((reader) => reader.chatId === chatId)
      faults.push(...own.flatMap((reader) => reader.faultsBy(log)))
    }
    return faults
  })
}
