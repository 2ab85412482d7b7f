import { type FileHandle, open, rm } from 'node:fs/promises'
import { Refusal } from '../../domain/refusal.ts'

/**
 * Writes what comes to a new file, as it comes, and has the disk keep it. Throws what the source throws, as it is, and
 * leaves nothing then; a file that is there already is somebody else's, and stays.
 */
export async function spool(path: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  const file = await stored(open(path, 'wx', 0o600))
  try {
    try {
      for await (const chunk of bytes) await stored(writeAll(file, chunk))
      await stored(file.sync())
    } finally {
      await stored(file.close())
    }
  } catch (fault) {
    await rm(path, { force: true }).catch(() => {})
    throw fault
  }
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let written = 0; written < chunk.byteLength; ) {
    written += (await file.write(chunk, written)).bytesWritten
  }
}

/** Work of the disk, or of a store far away: what it fails with goes to the log, and the caller is told to come back. */
export async function stored<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (cause) {
    throw new Refusal('file_storage_unavailable', { cause })
  }
}

export function isMissing(fault: unknown): boolean {
  return fault instanceof Error && 'code' in fault && (fault.code === 'ENOENT' || fault.code === 'NoSuchKey')
}
