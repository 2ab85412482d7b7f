import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'
import { connectPlain, randomPrefix, testRedisUrl } from '../support/redis.ts'
import { type FreshCopy, freshCopy } from './fresh-copy.ts'
import { runServer } from './server-process.ts'

setDefaultTimeout(60_000)

const dockerfile = (await Bun.file(join(import.meta.dir, '../../Dockerfile')).text()).replaceAll('\\\n', ' ')
const instructions = dockerfile.split('\n').map((line) => line.trim())

/** What the image copies out of the project. */
const copied = instructions.flatMap((line) => (/^COPY (?!--from)/.test(line) ? line.split(/\s+/).slice(1, -1) : []))

/** The words of an instruction's exec form, after `bun`. */
function bunWords(instruction: RegExp): string[] {
  const line = instructions.find((text) => instruction.test(text)) ?? ''
  const [command, ...words]: string[] = JSON.parse(line.slice(line.indexOf('[')))
  expect(command).toBe('bun')
  return words
}

// No Docker engine takes part: the same steps, in a folder with the same files.
describe('the image', () => {
  let image: FreshCopy
  beforeAll(async () => {
    image = await freshCopy([...new Set(copied)])
    for (const step of instructions.filter((line) => line.startsWith('RUN bun '))) {
      const words = step.split(/\s+/).slice(2)
      const { exitCode, stderr } = Bun.spawnSync([process.execPath, ...words], { cwd: image.path })
      if (exitCode !== 0) throw new Error(stderr.toString())
    }
  })
  afterAll(() => image.remove())

  const settings = { NODE_ENV: 'production', APP_HOST: '127.0.0.1', JWT_SECRET: '0123456789abcdef'.repeat(4) }

  test('has all that a server in production needs, is healthy, and ends on SIGTERM', async () => {
    const server = runServer(image.path, bunWords(/^CMD/), settings)
    const { port } = new URL(await server.address)
    expect(await runServer(image.path, bunWords(/^HEALTHCHECK/), { APP_PORT: port }).exited).toBe(0)
    for (const path of ['/openapi.json', '/docs/assets/swagger-ui.js', '/docs/assets/swagger-page.js']) {
      expect((await fetch(`${await server.address}${path}`)).status).toBe(200)
    }
    server.kill('SIGTERM')
    expect(await server.exited).toBe(0)
    expect(await runServer(image.path, bunWords(/^HEALTHCHECK/), { APP_PORT: port }).exited).toBe(1)
  })

  // A name of our own: of an imported one the compiler does not know later that it is set.
  const redisUrl = testRedisUrl
  if (redisUrl !== undefined) {
    test('keeps in Redis what instances share', async () => {
      const prefix = randomPrefix()
      const redis = { REDIS_URL: redisUrl, REDIS_PREFIX: prefix }
      const server = runServer(image.path, bunWords(/^CMD/), { ...settings, ...redis })
      const refused = await fetch(`${await server.address}/api/auth/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ username: 'nobody', password: 'Correct-Horse-9' }),
      })
      expect(refused.status).toBe(401)
      const seen = await connectPlain(redisUrl)
      expect(await seen.keys(`${prefix}attempts:*`)).not.toBeEmpty()
      await seen.close()
      server.kill('SIGTERM')
      expect(await server.exited).toBe(0)
    })
  }

  test('refuses to start without a secret', async () => {
    const server = runServer(image.path, bunWords(/^CMD/), { ...settings, JWT_SECRET: '' })
    expect(await server.exited).toBe(1)
    expect(await server.errors).toStartWith('parley: JWT_SECRET: ')
  })
})
