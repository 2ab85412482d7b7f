import { afterAll, afterEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Subprocess, spawn } from 'bun'
import { openDatabase } from '../../src/db/open.ts'
import { preparedDirectory, removeTemporaryDirectories, temporaryDirectory } from '../support/database.ts'

setDefaultTimeout(60_000)

afterAll(removeTemporaryDirectories)

const children: Subprocess[] = []
afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill('SIGKILL')
    await child.exited
  }
})

/** Runs process.ts on a directory. `line` resolves to the next line it prints, `''` when it has ended. */
function holder(directory: string) {
  const command = ['bun', join(import.meta.dir, 'process.ts'), directory]
  const child = spawn(command, { stdin: 'pipe', stdout: 'pipe', stderr: 'inherit' })
  children.push(child)
  const lines = linesOf(child.stdout)
  return {
    child,
    line: async () => (await lines.next()).value ?? '',
    async say(word: string) {
      child.stdin.write(`${word}\n`)
      await child.stdin.flush()
    },
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const bytes of stream) {
    rest += decoder.decode(bytes, { stream: true })
    const parts = rest.split('\n')
    rest = parts.pop() ?? ''
    yield* parts
  }
}

function refusalOf(directory: string): Promise<unknown> {
  return openDatabase({ kind: 'embedded', directory }).then(
    () => 'opened',
    (fault: unknown) => fault,
  )
}

async function countIn(directory: string, table: string): Promise<unknown> {
  const database = await openDatabase({ kind: 'embedded', directory })
  const [row] = await database.sql.unsafe(`SELECT count(*)::int AS count FROM ${table}`)
  await database.close()
  return row?.['count']
}

describe('the embedded database', () => {
  test('refuses a second process, naming the directory and the holder', async () => {
    const directory = await preparedDirectory()
    const first = holder(directory)
    expect(await first.line()).toBe('open')

    const refusal = `${directory} is in use by process ${first.child.pid}. Stop it, or set DATABASE_URL or another DATA_DIR.`
    const second = holder(directory)
    expect(await second.line()).toBe(refusal)
    expect(await second.child.exited).toBe(1)
    expect(await refusalOf(directory)).toMatchObject({ kind: 'locked', message: refusal })

    await first.say('insert')
    expect(await first.line()).toBe('1')
  })

  test('opens for one of several that start at the same instant', async () => {
    const directory = await preparedDirectory()
    const said = await Promise.all([1, 2, 3].map(() => holder(directory).line()))
    expect(said.filter((line) => line === 'open')).toHaveLength(1)
    expect(said.filter((line) => line.includes('is in use by'))).toHaveLength(2)
  })

  test('refuses a second opening in the same process, until the first is closed', async () => {
    const directory = await preparedDirectory()
    const first = await openDatabase({ kind: 'embedded', directory })
    Bun.gc(true)
    expect(await refusalOf(directory)).toMatchObject({ kind: 'locked' })
    await first.close()
    const again = await openDatabase({ kind: 'embedded', directory })
    await again.close()
  })

  test('keeps every acknowledged row through kill -9, again and again', async () => {
    const directory = await preparedDirectory()
    let acknowledged = 0
    for (const rows of [3, 5, 8]) {
      const { child, line, say } = holder(directory)
      expect(await line()).toBe('open')
      for (let row = 1; row <= rows; row++) {
        await say('insert')
        expect(await line()).toBe(String(row))
      }
      acknowledged += rows
      child.kill('SIGKILL')
      await child.exited
    }
    expect(await countIn(directory, 'kept')).toBe(acknowledged)
  })

  test('lets its process end once it is closed, and leaves nothing but its files', async () => {
    const directory = await preparedDirectory()
    const { child, line, say } = holder(directory)
    expect(await line()).toBe('open')
    await say('close')
    expect(await child.exited).toBe(0)
    expect(readdirSync(directory).sort()).toEqual(['lock', 'postgres'])
  })

  test('begins afresh after a first start that was cut short', async () => {
    const directory = temporaryDirectory()
    mkdirSync(join(directory, 'postgres', 'base'), { recursive: true })
    writeFileSync(join(directory, 'postgres', 'PG_VERSION'), '18\n')
    expect(await countIn(directory, 'pg_class')).toBeGreaterThan(0)
  })

  test('puts the socket elsewhere when the path of the directory is too long for one', async () => {
    const long = join(await preparedDirectory(), 'a-long-name'.repeat(12))
    mkdirSync(long)
    const before = socketDirectories()
    const database = await openDatabase({ kind: 'embedded', directory: long })
    await database.check()
    expect(existsSync(join(long, 'postgres.sock'))).toBe(false)
    await database.close()
    expect(socketDirectories()).toEqual(before)
  })

  test('names a data directory that another version of Postgres made', async () => {
    const directory = await preparedDirectory()
    writeFileSync(join(directory, 'postgres', 'PG_VERSION'), '16\n')
    const fault = await refusalOf(directory)
    expect(fault).toMatchObject({ kind: 'incompatible' })
    expect(String(fault)).toContain(`${directory} was made by Postgres 16, the embedded one is 18`)
  })

  test('opens files of the version it is', async () => {
    const database = await openDatabase({ kind: 'embedded', directory: await preparedDirectory() })
    const [row] = await database.sql`SELECT current_setting('server_version_num')::int / 10000 AS major`
    expect(row?.['major']).toBe(18)
    await database.close()
  })

  test('names a directory that is none', async () => {
    const file = join(temporaryDirectory(), 'file')
    writeFileSync(file, '')
    expect(await refusalOf(file)).toMatchObject({ kind: 'unwritable' })
    expect(await refusalOf(join(file, 'below'))).toMatchObject({ kind: 'unwritable' })
  })

  test('says that files are broken rather than waiting for them', async () => {
    const directory = await preparedDirectory()
    rmSync(join(directory, 'postgres', 'global'), { recursive: true })
    const fault = await refusalOf(directory)
    expect(fault).toMatchObject({ kind: 'broken' })
    expect(String(fault)).not.toContain('\n')
  })
})

function socketDirectories(): string[] {
  return readdirSync(tmpdir()).filter((name) => /^parley-[^-]{6}$/.test(name))
}
