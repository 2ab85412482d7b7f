import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { $ } from 'bun'
import { publint } from 'publint'
import { startServer } from '../support/app.ts'
import { testDatabases } from '../support/database.ts'
import { openPeople } from '../support/people.ts'
import { CONSUMER_OPTIONS, copyToConsumer, makeConsumer } from './consumer-project.ts'

setDefaultTimeout(60_000)

const bun = process.execPath

/** An empty project that has installed the packed client, and nothing of the server's. */
let project: string
let tarball: ArrayBuffer

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'parley-consumer-'))
  tarball = await makeConsumer(project)
  for (const file of ['types/flaws.ts', 'types/client.ts', 'client/consumer/main.ts'])
    await copyToConsumer(project, file)
}, 120_000)
afterAll(() => rm(project, { recursive: true }))

const compilers = (['bundler', 'nodenext'] as const).flatMap((moduleResolution) =>
  [true, false].map((exactOptionalPropertyTypes) => ({ moduleResolution, exactOptionalPropertyTypes })),
)

describe('the packed client', () => {
  test.each(compilers)(
    'is typed with $moduleResolution, exactOptionalPropertyTypes $exactOptionalPropertyTypes',
    async (options) => {
      const module = options.moduleResolution === 'nodenext' ? 'nodenext' : 'esnext'
      const compilerOptions = { ...CONSUMER_OPTIONS, ...options, module }
      const settings = `tsconfig.${options.moduleResolution}.${options.exactOptionalPropertyTypes}.json`
      await Bun.write(join(project, settings), JSON.stringify({ compilerOptions, include: ['*.ts'] }))
      const { stdout, exitCode } = await $`${bun} x tsc -p ${settings}`.cwd(project).nothrow().quiet()
      expect(stdout.toString()).toBe('')
      expect(exitCode).toBe(0)
    },
    60_000,
  )

  test('works against a server', async () => {
    const server = await startServer()
    try {
      const script = `import { tour } from './main.ts'; console.log(JSON.stringify(await tour('${server.url}')))`
      expect(await $`${bun} -e ${script}`.cwd(project).json()).toEqual([
        'sync 0',
        'created Hello',
        'invalid body.content',
        '422',
        'listed tour 1',
        'read Hello',
      ])
    } finally {
      await server.close()
    }
  })

  test.each(testDatabases())('speaks the live socket, on $kind', async ({ open }) => {
    const people = await openPeople(open)
    try {
      const { server, ada } = people
      const script = `
        import { liveTour } from './main.ts'
        console.log(JSON.stringify(await liveTour('${server.url}', '${ada.access_token}')))`
      expect(await $`${bun} -e ${script}`.cwd(project).json()).toEqual([
        'watching 2',
        'posted Hello',
        'message.created Hello',
        'kept Hello',
        'refused chat_missing',
      ])
    } finally {
      await people.close()
    }
  })

  test.skipIf(Bun.which('node') === null)('loads in Node', async () => {
    const script = `
      import * as client from '@parley/client'
      import { FAILURES } from '@parley/client/contract'
      import '@parley/client/trpc'
      console.log(Object.keys(client).join(), FAILURES.invalid.status)`
    const { stdout } = await $`node --input-type=module -e ${script}`.cwd(project).quiet()
    expect(stdout.toString().trim()).toBe('ParleyError,SocketClosed,createClient,openLive,unwrap,watchSession 422')
  })

  test('brings nothing of the server along', async () => {
    const installed = await readdir(join(project, 'node_modules'))
    for (const name of ['drizzle-orm', 'pino', 'postgres', 'redis', '@redis', '@electric-sql', 'bun-types']) {
      expect(installed).not.toContain(name)
    }
  })

  test('is packed as npm wants it', async () => {
    const { messages } = await publint({ pack: { tarball }, strict: true })
    expect(messages).toEqual([])
  })
})
