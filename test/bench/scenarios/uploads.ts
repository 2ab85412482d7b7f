import type { BenchServer, Ground } from '../harness/ground.ts'
import type { Scenario } from '../harness/scenario.ts'
import { UploadOutcome } from '../load/orders.ts'
import { MAIN, parleyEnv } from './parley.ts'
import { newPerson } from './person.ts'

// P12: what uploads at full speed add to the server's memory, at its most: all that is resident, whatever holds it.

const LOAD = new URL('../load/uploads.ts', import.meta.url)
const BUCKET = new URL('../load/bucket.ts', import.meta.url)
const COUNT = 50
const BYTES = 10_485_760
/** After it has started, and after an upload before those that count: a server that has just started is no measure. */
const SETTLE_MS = 1000

async function measured(ground: Ground, server: BenchServer) {
  const { headers } = await newPerson(server, 0)
  const { authorization = '' } = headers
  const send = (count: number, bytes: number) =>
    ground.load(LOAD, { port: server.port, headers: { authorization }, count, bytes }, UploadOutcome)
  await send(1, 1000)
  await Bun.sleep(SETTLE_MS)
  const before = await server.memory()
  await server.forgetPeak()
  const { ms } = await send(COUNT, BYTES)
  return { value: (await server.peak()) - before, note: `${Math.round(before)} MB before; ${Math.round(ms)} ms` }
}

const LIMITS = { UPLOAD_QUOTA: String(2 * COUNT * BYTES), MAX_UPLOAD_SIZE: String(BYTES) }

/** `env`: where the bytes go, and the database is. Each round has a server of its own. */
function rising(id: string, where: string, env: (ground: Ground) => Promise<Record<string, string>>): Scenario {
  return {
    id,
    what: `memory that ${COUNT} uploads of 10 MB at once add, ${where}`,
    unit: 'MB',
    // The round that warms up makes the database.
    ours: async (ground) => {
      const variables = { ...(await env(ground)), ...LIMITS }
      return async () => {
        const server = await ground.start(MAIN, { ...variables, UPLOAD_DIR: await ground.directory() })
        try {
          return await measured(ground, server)
        } finally {
          await server.stop()
        }
      }
    },
    target: { of: 'ours', atMost: 100 },
  }
}

async function bucketOf(ground: Ground): Promise<Record<string, string>> {
  const { port } = await ground.start(BUCKET)
  return {
    S3_ENDPOINT: `http://127.0.0.1:${port}`,
    S3_BUCKET: 'bench',
    S3_ACCESS_KEY_ID: 'bench',
    S3_SECRET_ACCESS_KEY: 'bench-0123456789',
  }
}

export const uploads: readonly Scenario[] = [
  rising('P12 disk', 'Postgres and disk', (ground) => parleyEnv(ground, {})),
  rising('P12 bucket', 'Postgres and S3', async (ground) => parleyEnv(ground, { env: await bucketOf(ground) })),
  rising('P12 embedded', 'embedded database and disk', async (ground) =>
    parleyEnv(ground, { directory: await ground.directory() }),
  ),
]
