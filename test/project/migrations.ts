import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'

/** Fails where src/db/schema.ts says something that no migration makes: `bun test/project/migrations.ts`. */
export function pendingChanges(): string | undefined {
  const root = join(import.meta.dir, '../..')
  // What would be generated goes to a copy. drizzle-kit takes relative paths alone.
  const copy = mkdtempSync(join(tmpdir(), 'parley-migrations-'))
  try {
    cpSync(join(root, 'drizzle'), copy, { recursive: true })
    const options = ['--dialect', 'postgresql', '--schema', './src/db/schema.ts', '--out', relative(root, copy)]
    const { stdout, stderr } = Bun.spawnSync(
      [process.execPath, join(root, 'node_modules/drizzle-kit/bin.cjs'), 'generate', ...options],
      { cwd: root, stdin: 'ignore' },
    )
    const printed = `${stdout}${stderr}`
    return printed.includes('No schema changes') ? undefined : printed
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

if (import.meta.main) {
  const pending = pendingChanges()
  if (pending !== undefined) {
    console.error(`${pending}\nsrc/db/schema.ts has changes without a migration: run bun run db:generate.`)
    process.exit(1)
  }
}
