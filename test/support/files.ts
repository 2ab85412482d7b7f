import { StoredFile } from '../../src/contract/files.ts'
import type { Person } from './person.ts'

/** Uploads one file as somebody. */
export async function upload(person: Person, name: string, content: BlobPart, type?: string): Promise<StoredFile> {
  const answer = await sendFile(person, name, content, type)
  if (answer.status !== 201) throw new Error(`The upload was refused: ${answer.status} ${await answer.text()}`)
  return StoredFile.parse(await answer.json())
}

export function sendFile(person: Person, name: string, content: BlobPart, type = 'application/octet-stream') {
  const body = new FormData()
  body.set('file', new File([content], name, { type }))
  return person.call('/api/files/upload', { method: 'POST', body })
}

export function sendFiles(person: Person, files: Record<string, BlobPart>): Promise<Response> {
  const body = new FormData()
  for (const [name, content] of Object.entries(files)) body.append('files', new File([content], name))
  return person.call('/api/files/upload-multiple', { method: 'POST', body })
}

/** A picture of one red pixel. */
export const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==',
  'base64',
)
