import { Refusal } from '../refusal.ts'

const TRIES = 20
const PAUSE_MS = 500

/** Tries again while a store is away: an answer that is whole should not be lost to a restart of the database. */
export async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work()
    } catch (fault) {
      if (!isAway(fault) || tries >= TRIES) throw fault
      await Bun.sleep(PAUSE_MS)
    }
  }
}

/** Whether a store could not be reached, and may be in a moment. */
export function isAway(fault: unknown): boolean {
  return fault instanceof Refusal && fault.reason === 'storage_unavailable'
}
