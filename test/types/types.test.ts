import { expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { $ } from 'bun'
import { z } from 'zod'
import { startServer } from '../support/app.ts'

setDefaultTimeout(60_000)

const root = resolve(import.meta.dir, '../..')

const Description = z.object({
  paths: z.record(z.string(), z.record(z.string(), z.object({ responses: z.record(z.string(), z.unknown()) }))),
})

/** Every route that is documented, as `GET /v1/chat/sessions`; sockets are not calls. */
async function documentedRoutes(): Promise<string[]> {
  const server = await startServer()
  try {
    const { paths } = Description.parse(await (await server.call('/openapi.json')).json())
    return Object.entries(paths).flatMap(([path, operations]) =>
      Object.entries(operations)
        .filter(([, { responses }]) => !('101' in responses))
        .map(([method]) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`),
    )
  } finally {
    await server.close()
  }
}

/** A route that is added by a statement of its own is served all the same: only its types are lost. */
function sameRoutes(names: string[]): string {
  return `
    import type { Client } from '${root}/client/src/client.ts'
    import type { NoneOf, RouteNames } from '${root}/test/types/flaws.ts'
    type Served = ${names.map((name) => JSON.stringify(name)).join(' | ')}
    export type Untyped = NoneOf<Exclude<Served, RouteNames<Client>>>
    export type Unserved = NoneOf<Exclude<RouteNames<Client>, Served>>
  `
}

test('every route and procedure is typed through and through, as the contract says', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'parley-types-'))
  try {
    await symlink(join(root, 'node_modules'), join(directory, 'node_modules'))
    await Bun.write(join(directory, 'routes.ts'), sameRoutes(await documentedRoutes()))
    const files = [join(root, 'test/types/client.ts'), join(root, 'test/types/broken.ts'), 'routes.ts']
    await Bun.write(
      join(directory, 'tsconfig.json'),
      JSON.stringify({ extends: join(root, 'tsconfig.json'), include: [], files }),
    )
    const { stdout, exitCode } = await $`${process.execPath} x tsc -p ${directory}`.cwd(root).nothrow().quiet()
    expect(stdout.toString()).toBe('')
    expect(exitCode).toBe(0)
  } finally {
    await rm(directory, { recursive: true })
  }
}, 60_000)
