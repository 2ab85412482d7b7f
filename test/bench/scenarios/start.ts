import { fileURLToPath } from 'node:url'
import { $ } from 'bun'
import type { Ground } from '../harness/ground.ts'
import type { Scenario } from '../harness/scenario.ts'
import { parleyEnv } from './parley.ts'

// P9: from spawning the process to its first 200, of the server as the image runs it: built.

const BUILD = fileURLToPath(new URL('../../../build.ts', import.meta.url))
const BUILT = new URL('../../../dist/server/main.js', import.meta.url)
const LIMIT = new URL('../limits/start.ts', import.meta.url)
const POLL_MS = 1

function starting(ground: Ground, entry: URL, env: Record<string, string>) {
  return async () => {
    const server = await ground.start(entry, env, POLL_MS)
    await server.stop()
    return { value: server.startMs }
  }
}

async function startingOurs(ground: Ground, env: Record<string, string>) {
  await $`bun ${BUILD}`.quiet()
  return starting(ground, BUILT, env)
}

const limit = async (ground: Ground) => starting(ground, LIMIT, {})

export const start: readonly Scenario[] = [
  {
    id: 'P9',
    what: 'start until the first 200, Postgres and Redis',
    unit: 'ms',
    ours: async (ground) => startingOurs(ground, await parleyEnv(ground, { redis: true })),
    limit,
    target: { of: 'difference', atMost: 150 },
  },
  {
    id: 'P9 embedded',
    what: 'start until the first 200, warm embedded database',
    unit: 'ms',
    // The round that warms up makes the database.
    ours: async (ground) => startingOurs(ground, await parleyEnv(ground, { directory: await ground.directory() })),
    limit,
    target: { of: 'ours', atMost: 1000 },
  },
]
