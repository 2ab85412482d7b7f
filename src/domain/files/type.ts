import type { FileReference } from '../../contract/chats.ts'
import type { FileTyper } from '../ports.ts'
import { endingOf } from './names.ts'

export type FileType = FileReference['file_type']

/** By so many bytes of its start a file's type is told. */
export const HEAD_BYTES = 65_536

const OFFICE = 'application/vnd.openxmlformats-officedocument.'

const TYPES: Record<string, FileType> = {
  'application/pdf': 'pdf',
  'application/json': 'text',
  'application/msword': 'word',
  'application/vnd.ms-excel': 'excel',
  [`${OFFICE}wordprocessingml.document`]: 'word',
  [`${OFFICE}spreadsheetml.sheet`]: 'excel',
}

/** What a text is by its name: its bytes do not tell. */
const TEXTS: Record<string, string> = {
  md: 'text/markdown',
  markdown: 'text/markdown',
  csv: 'text/csv',
  json: 'application/json',
  html: 'text/html',
  htm: 'text/html',
  xhtml: 'text/html',
  svg: 'image/svg+xml',
  xml: 'application/xml',
}

/** What a file is. Its content decides; its name only where that is a text, of any kind. */
export async function typeOf(
  typer: FileTyper,
  head: Uint8Array,
  name: string,
): Promise<{ mime: string; type: FileType }> {
  const mime = (await typer(head))?.mime ?? textTypeOf(head, name) ?? 'application/octet-stream'
  return { mime, type: fileTypeOf(mime) }
}

function fileTypeOf(mime: string): FileType {
  const known = TYPES[mime]
  if (known !== undefined) return known
  if (mime.startsWith('image/')) return 'image'
  return mime.startsWith('text/') || mime === 'application/xml' ? 'text' : 'other'
}

function textTypeOf(head: Uint8Array, name: string): string | undefined {
  const text = textOf(head)
  if (text === undefined) return undefined
  // What a browser would run is told to be that also where its name hides it.
  if (/^<(?:!doctype html|html|head|body|script)\b/i.test(text.trimStart())) return 'text/html'
  return TEXTS[endingOf(name)] ?? 'text/plain'
}

/** The start of a text; `undefined` where it is none: not UTF-8, or with control characters that no text has. */
function textOf(head: Uint8Array): string | undefined {
  try {
    // As a stream: a character that is cut off at the end is none that is wrong.
    const text = new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: head.byteLength >= HEAD_BYTES })
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
    return /[\x00-\x08\x0e-\x1a\x1c-\x1f]/.test(text) ? undefined : text
  } catch {
    return undefined
  }
}
