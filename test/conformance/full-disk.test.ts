import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { fileURLToPath } from 'node:url'
import { removeTemporaryDirectories, temporaryDirectory } from '../support/database.ts'

setDefaultTimeout(60_000)
afterAll(removeTemporaryDirectories)

const CHILD = fileURLToPath(new URL('./full-disk.ts', import.meta.url))

// A file system of a megabyte, seen by the child alone, where this user may mount one; and everywhere a bound on files.
const MOUNT = 'mount -t tmpfs -o size=1m tmpfs "$1" && exec "$0" "$2" "$1"'
const asRoot = process.getuid?.() === 0 ? ['-m'] : ['-Urm']
const ways = [
  { way: 'a full disk', command: ['unshare', ...asRoot, 'sh', '-c', MOUNT] },
  { way: 'a bound on what a file may hold', command: ['sh', '-c', 'ulimit -f 2048 && exec "$0" "$2" "$1"'] },
]
const mayMount = Bun.spawnSync(['unshare', ...asRoot, 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).exitCode === 0

for (const { way, command } of mayMount ? ways : ways.slice(1)) {
  test(`${way} is a refusal that leaves nothing behind, and there is room again`, async () => {
    const child = Bun.spawn([...command, process.execPath, temporaryDirectory(), CHILD], { stderr: 'pipe' })
    const [printed, faults] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
    expect([await child.exited, faults]).toEqual([0, ''])
    const outcomes = ['written', 'file_storage_unavailable', 'written']
    expect(JSON.parse(printed)).toEqual({
      disk: { outcomes, left: ['disk-again', 'disk-small'] },
      bucket: { outcomes, left: [] },
      objects: ['bucket-again', 'bucket-small'],
    })
  })
}
