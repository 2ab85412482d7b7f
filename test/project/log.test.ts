import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { removeTemporaryDirectories, temporaryDirectory } from '../support/database.ts'

setDefaultTimeout(60_000)

afterAll(removeTemporaryDirectories)

/** A process that logs so many lines, and one more while the first ones may be on their way, then does what `end` says. */
function logging<Output extends 'pipe' | number>(lines: number, end: string, stdout: Output) {
  const source = `
    import { openLog } from './src/log.ts'
    const { logger, written } = openLog({ workers: 1, logLevel: 'info' })
    for (let line = 1; line <= ${lines}; line += 1) logger.info({ line }, 'before')
    await Bun.sleep(1)
    logger.info('last')
    ${end}
    process.exit(3)`
  return Bun.spawn([process.execPath, '-e', source], { cwd: join(import.meta.dir, '../..'), stdout })
}

async function logged(end: string): Promise<string[]> {
  const child = logging(100, end, 'pipe')
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
