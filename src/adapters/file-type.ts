import type { FileTyper } from '../domain/ports.ts'

/** By the magic numbers that file-type knows. Loaded with the first file: a start does not wait for it. */
export const typeByContent: FileTyper = async (head) => {
  const { fileTypeFromBuffer } = await import('file-type')
  return fileTypeFromBuffer(head)
}
