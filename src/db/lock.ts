import { Database } from 'bun:sqlite'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { codeOf, DatabaseFault } from './fault.ts'

/** Held locks: one that nothing refers to would be collected, and so released. */
const held = new Set<Database>()

/**
 * Locks a data directory for this process and returns the call that unlocks it. The lock is the operating system's, taken
 * through SQLite: it ends with the process, however that ends, and a process that replaces itself (`bun --watch`) has
 * lost it. The file beside it only names the holder. Nothing else may open `lock`: closing it would release it.
 */
export function lockDirectory(directory: string): () => void {
  const holder = join(directory, 'lock.holder')
  const lock = new Database(join(directory, 'lock'))
  try {
    lock.run('PRAGMA busy_timeout = 0')
    lock.run('BEGIN EXCLUSIVE')
  } catch (fault) {
    lock.close()
    if (codeOf(fault) !== 'SQLITE_BUSY') throw fault
    throw new DatabaseFault(
      'locked',
      `${directory} is in use by ${nameOf(holder)}. Stop it, or set DATABASE_URL or another DATA_DIR.`,
    )
  }
  held.add(lock)
  writeFileSync(holder, `${process.pid} ${hostname()}\n`)
  return () => {
    if (!held.delete(lock)) return
    rmSync(holder, { force: true })
    lock.close()
  }
}

function nameOf(holder: string): string {
  try {
    const [pid = '', host = ''] = readFileSync(holder, 'utf8').trim().split(' ')
    if (host !== hostname()) return `process ${pid} of ${host}`
    process.kill(Number(pid), 0)
    return `process ${pid}`
  } catch (fault) {
    // A process of another user. Without one, or without the file, the holder has not written its name yet.
    return codeOf(fault) === 'EPERM' ? 'a process of another user' : 'another process'
  }
}
