import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { removeTemporaryDirectories, temporaryDirectory } from '../support/database.ts'

setDefaultTimeout(60_000)

afterAll(removeTemporaryDirectories)

function running<Output extends 'pipe' | number>(work: string, stdout: Output, workers = 1) {
  const source = `
    import { openLog } from './src/log.ts'
    const { logger, written } = openLog({ workers: ${workers}, logLevel: 'info' })
    ${work}
    process.exit(3)`
  return Bun.spawn([process.execPath, '-e', source], { cwd: join(import.meta.dir, '../..'), stdout })
}

/** A process that logs so many lines, and one more while the first ones may be on their way, then does what `end` says. */
function logging<Output extends 'pipe' | number>(lines: number, end: string, stdout: Output) {
  const work = `
    for (let line = 1; line <= ${lines}; line += 1) logger.info({ line }, 'before')
    await Bun.sleep(1)
    logger.info('last')
    ${end}`
  return running(work, stdout)
}

async function logged(end: string): Promise<string[]> {
  return messages(logging(100, end, 'pipe'))
}

async function messages(child: ReturnType<typeof running<'pipe'>>): Promise<string[]> {
  const lines = (await new Response(child.stdout).text()).trimEnd().split('\n')
  expect(await child.exited).toBe(3)
  return lines.map((line) => JSON.parse(line).msg)
}

test('a process that ends has written all that it logged, also what was on its way just then', async () => {
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const lines = await logged('await written()')
    expect(lines).toHaveLength(101)
    expect(lines).toContain('last')
  }
})

test('what it logs while it ends is written as well', async () => {
  expect(await logged(`void written(); logger.info('at the end'); await written()`)).toHaveLength(102)
})

test('a process that ends at once has written what it had logged', async () => {
  const work = `for (let line = 1; line <= 50; line += 1) logger.info({ line }, 'only')`
  expect(await messages(running(work, 'pipe'))).toHaveLength(50)
})

test.each([1, 2])(
  'of %d workers each writes its lines whole and in order, longer and shorter ones',
  async (workers) => {
    const work = `
    for (let line = 1; line <= 500; line += 1) logger.info({ more: 'é'.repeat((line * 97) % 3000) }, String(line))
    await written()`
    const lines = await messages(running(work, 'pipe', workers))
    expect(lines).toEqual(Array.from({ length: 500 }, (_, index) => String(index + 1)))
  },
)

test('a process ends also where nobody reads what it logs', async () => {
  const path = join(temporaryDirectory(), 'unread')
  Bun.spawnSync(['mkfifo', path])
  const unread = openSync(path, 'r+')
  try {
    const child = logging(3000, 'await written()', unread)
    expect(await child.exited).toBe(3)
  } finally {
    closeSync(unread)
  }
})
