import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'

const LEFT_OUT = new Set(['.git', '.parley', 'node_modules', 'dist', '.env'])

export type FreshCopy = { path: string; remove(): Promise<void> }

/** The project, or these parts of it, as somebody gets it who clones it: nothing installed, nothing configured. */
export async function freshCopy(parts: readonly string[] = ['.']): Promise<FreshCopy> {
  const path = await mkdtemp(join(tmpdir(), 'parley-fresh-'))
  for (const part of parts) {
    await cp(join(import.meta.dir, '../..', part), join(path, part), {
      recursive: true,
      filter: (source) => !LEFT_OUT.has(basename(source)),
    })
  }
  return { path, remove: () => rm(path, { recursive: true }) }
}
