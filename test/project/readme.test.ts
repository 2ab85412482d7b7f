import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import packageJson from '../../package.json' with { type: 'json' }
import { type Database, openDatabase } from '../../src/db/open.ts'
import { startServer, type TestServer } from '../support/app.ts'
import { preparedDirectory } from '../support/database.ts'

setDefaultTimeout(60_000)

const root = join(import.meta.dir, '../..')
const readme = await Bun.file(join(root, 'README.md')).text()

/** The fenced blocks of one language. */
function blocks(language: string): string[] {
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].flatMap(([, text]) => text ?? [])
}

let database: Database
let server: TestServer
let folder: string
beforeAll(async () => {
  database = await openDatabase({ kind: 'embedded', directory: await preparedDirectory() })
  server = await startServer({ database })
  folder = await mkdtemp(join(tmpdir(), 'parley-readme-'))
})
afterAll(async () => {
  await server.close()
  await database.close()
  await rm(folder, { recursive: true })
})

/** A block as somebody would run it, against this test's server. */
async function run(command: string[]): Promise<string> {
  const child = Bun.spawn(command, { cwd: folder, stderr: 'pipe' })
  const [output, errors, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}: ${output}${errors}`)
  return output
}
const here = (text: string) => text.replaceAll('localhost:8000', new URL(server.url).host)

describe('the README', () => {
  const [extensions = '', support = '', desk = '', chats = '', ...sessions] = blocks('sh').toReversed()

  test.skipIf(Bun.which('curl') === null)('has a tour of sessions that works as it is written', async () => {
    const answers: unknown[] = []
    for (const block of sessions.toReversed())
      answers.push(JSON.parse(await run(['sh', '-euc', here(block).replaceAll('curl', 'curl -sS')])))
    const message = { role: 'user', content: 'Hello there!' }
    const conversation = { session_id: 'my-session', messages: [expect.objectContaining(message)] }
    expect(answers).toEqual([
      conversation,
      conversation,
      [{ session_id: 'my-session', message_count: 1 }],
      { session_id: 'my-session', messages: [] },
      expect.objectContaining({ reason: 'invalid' }),
    ])
  })

  test.skipIf(Bun.which('curl') === null)('has a tour of chats that works as it is written', async () => {
    const printed = await run(['sh', '-euc', here(chats)])
    // Of the message that was diverged from, its siblings, the tree, the events, the search and the export.
    expect(printed.match(/Where shall we eat\?/g)?.length).toBeGreaterThanOrEqual(5)
    expect(printed).toContain('"type":"branch.activated"')
    expect(printed).toContain('# Trip to Lisbon')
    expect(await readdir(folder)).toEqual([])
  })

  test.skipIf(Bun.which('curl') === null)('has a desk that works as it is written', async () => {
    const printed = await run(['sh', '-euc', here(desk)])
    expect(printed.match(/"timestamp":"2026-01-31T12:00:00"/g)?.length).toBe(2)
  })

  test.skipIf(Bun.which('curl') === null)('has a support that works as it is written', async () => {
    const printed = await run(['sh', '-euc', here(support)])
    expect(printed).toContain('"messages":[{"id":')
    expect(printed).toContain('"status":"ended"')
  })

  test.skipIf(Bun.which('curl') === null)('has attachments that work as they are written', async () => {
    const printed = await run(['sh', '-euc', here(extensions)])
    expect(printed.match(/"name":"invoice.pdf"/g)?.length).toBe(2)
  })

  test('has sockets that work as they are written', async () => {
    const [session = '', live = ''] = blocks('ts')
    const file = join(folder, 'socket.ts')
    for (const [block, printed] of [
      [session, 'session.sync\nmessage.created\n'],
      [live, '2 watching\n3 message.created\n'],
    ] as const) {
      await Bun.write(file, here(block))
      expect(await run([process.execPath, file])).toBe(printed)
    }
    await rm(file)
  })

  test('names only commands, files and variables that there are', async () => {
    for (const [, script] of readme.matchAll(/`bun (?:run )?([a-z]+)`/g)) {
      expect(Object.keys(packageJson.scripts)).toContain(script ?? '')
    }
    for (const [, path = ''] of readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)) {
      expect([path, await Bun.file(join(root, path)).exists()]).toEqual([path, true])
    }
    const example = await Bun.file(join(root, '.env.example')).text()
    for (const [, name = ''] of readme.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)) {
      if (!name.startsWith('TEST_')) expect(example).toContain(`#${name}=`)
    }
  })
})
