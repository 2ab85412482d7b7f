import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

setDefaultTimeout(60_000)

const root = join(import.meta.dir, '../..')
const rule = join(import.meta.dir, 'direction.ts')
const folder = await mkdtemp(join(tmpdir(), 'parley-direction-'))
afterAll(() => rm(folder, { recursive: true }))

/** The rule's own command, as `bun run lint` calls it. */
async function check(tree: string): Promise<{ exitCode: number; output: string }> {
  const run = Bun.spawn([process.execPath, rule], { cwd: tree, stderr: 'pipe' })
  const [output, exitCode] = await Promise.all([new Response(run.stderr).text(), run.exited])
  return { exitCode, output }
}

/** The same on a tree of just this file: the rule goes by names. */
async function checkFile(file: string, source: string) {
  await rm(join(folder, 'tree'), { recursive: true, force: true })
  await Bun.write(join(folder, 'tree', file), source)
  return check(join(folder, 'tree'))
}

const forbidden: [file: string, source: string][] = [
  // upward
  ['src/contract/up.ts', "import { Refusal } from '../domain/refusal.ts'"],
  ['src/domain/up.ts', "import { HealthReport } from '../api/health.ts'"],
  ['src/domain/sessions/up.ts', "import type { Config } from '../../config.ts'"],
  ['src/api/up.ts', "import { createApp } from '../app.ts'"],
  ['src/api/up-types.ts', "import type { App } from '../app.types.ts'"],
  ['src/app.ts', "import './main.ts'"],
  ['src/config.ts', "import { Refusal } from './domain/refusal.ts'"],
  ['src/api/config-value.ts', "import { readConfig } from '../config.ts'"],
  ['src/api/secret.ts', "import { developmentSecret } from '../secrets.ts'"],
  // the stores
  ['src/domain/sessions/service-2.ts', "import { openDatabase } from '../../db/open.ts'"],
  ['src/domain/adapter.ts', "import { MemoryBus } from '../adapters/memory/bus.ts'"],
  ['src/api/adapter.ts', "import { MemoryBus } from '../adapters/memory/bus.ts'"],
  ['src/api/rest/adapter.ts', "import type { MemoryBus } from '../../adapters/memory/bus.ts'"],
  ['src/api/rest/db.ts', "import { openDatabase } from '../../db/open.ts'"],
  ['src/api/rest/store.ts', "import { rows } from '../../domain/chats/store.ts'"],
  ['src/app.ts', "import { MemoryBus } from './adapters/memory/bus.ts'"],
  ['src/app.ts', "import { openDatabase } from './db/open.ts'"],
  ['src/adapters/db.ts', "import { openDatabase } from '../db/open.ts'"],
  ['src/adapters/api.ts', "import { encoded } from '../api/encoded.ts'"],
  ['src/db/domain.ts', "import type { Bus } from '../domain/ports.ts'"],
  ['src/domain/refusal.ts', "import type { Bus } from './ports.ts'"],
  // packages
  ['src/contract/package.ts', "import { Elysia } from 'elysia'"],
  ['src/contract/node.ts', "import { join } from 'node:path'"],
  ['src/domain/elysia.ts', "import { Elysia } from 'elysia'"],
  ['src/domain/trpc.ts', "import type { TRPCError } from '@trpc/server'"],
  ['src/domain/redis.ts', "import { createClient } from 'redis'"],
  ['src/domain/postgres.ts', "import postgres from 'postgres'"],
  ['src/domain/sessions/drizzle.ts', "import { sql } from 'drizzle-orm/sql'"],
  ['src/domain/sessions/store.ts', "import { createClient } from 'redis'"],
  ['src/api/redis.ts', "import { createClient } from 'redis'"],
  ['src/adapters/elysia.ts', "import { cors } from '@elysiajs/cors'"],
  // the client
  ['client/src/server.ts', "import { createApp } from '../../src/app.ts'"],
  ['client/src/value.ts', "import { App } from '../../src/app.types.ts'"],
  ['client/src/domain.ts', "import type { Bus } from '../../src/domain/ports.ts'"],
  ['client/src/postgres.ts', "import postgres from 'postgres'"],
  ['client/src/node.ts', "import { join } from 'node:path'"],
  ['src/api/client.ts', "import { createClient } from '@parley/client'"],
  ['src/api/client-part.ts', "import type { Conversation } from '@parley/client/contract'"],
  ['src/domain/test.ts', "import { world } from '../../test/support/app.ts'"],
  // other ways to name a module
  ['src/api/reexport.ts', "export { MemoryBus } from '../adapters/memory/bus.ts'"],
  ['src/api/all.ts', "export * from '../adapters/memory/bus.ts'"],
  ['src/api/dynamic.ts', "export const load = () => import('../adapters/memory/bus.ts')"],
  ['src/api/unnamed.ts', 'export const load = (path: string) => import(path)'],
  ['src/api/required.ts', "export const bus = require('../adapters/memory/bus.ts')"],
  ['src/api/type.ts', "export type Bus = import('../adapters/memory/bus.ts').MemoryBus"],
  ['src/api/worker.ts', "new Worker(new URL('../db/worker.ts', import.meta.url))"],
  ['src/api/detour.ts', "import { MemoryBus } from './../api/../adapters/memory/bus.ts'"],
  // places
  ['src/domain/utils/text.ts', 'export const trim = 1'],
  ['src/api/helpers.ts', 'export const trim = 1'],
  ['src/services/chat.ts', 'export const chat = 1'],
]

const allowed: [file: string, source: string][] = [
  [
    'src/domain/chats/store.ts',
    "import { sql } from 'drizzle-orm'; import { users } from '../../db/schema.ts'; export const q = sql",
  ],
  [
    'src/domain/chats/rules.ts',
    "import { rows } from './store.ts'; import { Refusal } from '../refusal.ts'; export const q = rows",
  ],
  [
    'src/api/rest/chats.ts',
    "import type { Config } from '../../config.ts'; import { Elysia } from 'elysia'; export type A = Config",
  ],
  [
    'src/adapters/jobs.ts',
    "import { PgBoss } from 'pg-boss'; import type { Bus } from '../domain/ports.ts'; export type B = Bus",
  ],
  ['src/db/first.ts', "import { Refusal } from '../domain/refusal.ts'; throw new Refusal('internal')"],
  ['src/db/second.ts', "new Worker(new URL('./worker.ts', import.meta.url))"],
  [
    'src/router.types.ts',
    "import type { createRouter } from './api/trpc/router.ts'; export type R = typeof createRouter",
  ],
  ['client/src/types.ts', "import type { App } from '../../src/app.types.ts'; export type A = App"],
  ['test/new.test.ts', "import { MemoryBus } from '../src/adapters/memory/bus.ts'; new MemoryBus()"],
]

describe('the direction rule', () => {
  test('holds for the tree as it is', async () => {
    expect(await check(root)).toEqual({ exitCode: 0, output: '' })
  })

  test.each(forbidden)('refuses %s: %s', async (file, source) => {
    const { exitCode, output } = await checkFile(file, source)
    expect(output).toStartWith(`${file}:`)
    expect(output.trim().split('\n')).toHaveLength(1)
    expect(exitCode).toBe(1)
  })

  test.each(allowed)('takes %s: %s', async (file, source) => {
    expect(await checkFile(file, source)).toEqual({ exitCode: 0, output: '' })
  })
})
