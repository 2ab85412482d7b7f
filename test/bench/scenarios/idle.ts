import type { Scenario } from '../harness/scenario.ts'
import { MAIN, parleyEnv } from './parley.ts'

// P11: what the server holds of memory when nobody calls, the embedded database included.

/** After it has started: what that left behind may be collected by then. */
const SETTLE_MS = 3000

export const idle: readonly Scenario[] = [
  {
    id: 'P11 idle',
    what: 'idle memory, embedded database',
    unit: 'MB',
    // The round that warms up makes the database.
    ours: async (ground) => {
      const env = await parleyEnv(ground, { directory: await ground.directory() })
      return async () => {
        const server = await ground.start(MAIN, env)
        await Bun.sleep(SETTLE_MS)
        const value = await server.memory()
        await server.stop()
        return { value }
      }
    },
    target: { of: 'ours', atMost: 400 },
  },
]
