import { BLOB_NAME } from '../../domain/ports.ts'

/** The name, where it is one. Throws `RangeError`. */
export function blobName(name: string): string {
  if (!BLOB_NAME.test(name)) throw new RangeError('This is no name of a blob.')
  return name
}
