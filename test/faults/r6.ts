import { stopReading } from './r6/run.ts'
import { judge } from './rig/judge.ts'

const HELD_MAX = 1_048_576

/** R6 on the embedded database and on Postgres. */
export function r6(): Promise<boolean> {
  return judge('R6', 'who does not read is closed and told why, nobody waits for it', async (database) => {
    const { figures, faults, heldBytes } = await stopReading(database, {
      paused: 100,
      chats: 100,
      messages: 900,
      compared: true,
      limitMs: 150_000,
    })
    if (heldBytes !== undefined && heldBytes > HELD_MAX) faults.push(`a paused reader held ${heldBytes} bytes`)
    return { figures, faults }
  })
}
