import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type FreshCopy, freshCopy } from './fresh-copy.ts'
import { runServer } from './server-process.ts'

setDefaultTimeout(60_000)

let project: FreshCopy
beforeAll(async () => {
  project = await freshCopy()
})
afterAll(() => project.remove())

describe('bun start in a fresh clone', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    'installs, makes its secret, serves, and ends well on %s',
    async (signal) => {
      const server = runServer(project.path, ['start'])
      const address = await server.address
      expect((await fetch(`${address}/health/live`)).status).toBe(200)
      expect((await fetch(`${address}/v1/chat/sessions`)).status).toBe(200)
      const { mode } = await stat(join(project.path, '.parley/jwt-secret'))
      expect(mode & 0o777).toBe(0o600)
      server.kill(signal)
      expect(await server.exited).toBe(0)
      await expect(fetch(`${address}/health/live`)).rejects.toThrow()
    },
  )

  test('tells what is wrong with its configuration and fails', async () => {
    const server = runServer(project.path, ['start'], { APP_PORT: 'eighty', REDIS_URL: 'nowhere' })
    expect(await server.exited).toBe(1)
    expect(await server.errors).toMatch(/^parley: APP_PORT: .+\nparley: REDIS_URL: .+$/m)
  })
})
