import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { $ } from 'bun'

const root = resolve(import.meta.dir, '..')
const dist = join(import.meta.dir, 'dist')
const ENTRIES = ['client/src/index', 'client/src/contract', 'client/src/trpc']
/** All that may ship. A declaration that names any other module is not flat. */
const OURS = /^(?:client\/src\/[\w-]+|src\/contract\/[\w-]+|src\/(?:app|router)\.types)\.(?:js|d\.ts)$/
const SPECIFIER = /(?<=\bfrom\s+|\bimport\s*\(?\s*)(["'])(\.[^"']+)\1/g

/** Compiles the whole program, and keeps what the client's entries lead to. */
async function build(): Promise<void> {
  const compiled = await mkdtemp(join(tmpdir(), 'parley-client-'))
  try {
    await $`${process.execPath} x tsc -p ${join(import.meta.dir, 'tsconfig.build.json')} --outDir ${compiled}`.cwd(root)
    await rm(dist, { recursive: true, force: true })
    for (const file of await reachable(compiled)) {
      const text = await Bun.file(join(compiled, file)).text()
      await mkdir(dirname(join(dist, file)), { recursive: true })
      await Bun.write(
        join(dist, file),
        text.replace(SPECIFIER, (_, quote, path) => `${quote}${emitted(path)}${quote}`),
      )
    }
    await cp(join(root, 'LICENSE'), join(dist, 'LICENSE'))
  } finally {
    await rm(compiled, { recursive: true, force: true })
  }
}

async function reachable(compiled: string): Promise<Set<string>> {
  const files = new Set(ENTRIES.flatMap((entry) => [`${entry}.js`, `${entry}.d.ts`]))
  for (const file of files) {
    if (!OURS.test(file)) throw new Error(`${file} would ship with the client`)
    const text = await Bun.file(join(compiled, file)).text()
    for (const [, , path = ''] of text.matchAll(SPECIFIER)) {
      const target = relative(compiled, resolve(compiled, dirname(file), emitted(path)))
      files.add(file.endsWith('.d.ts') ? target.replace(/\.js$/, '.d.ts') : target)
    }
  }
  return files
}

/** The compiler rewrites the extensions of code, not of declarations. */
function emitted(path: string): string {
  return path.replace(/\.ts$/, '.js')
}

await build()
