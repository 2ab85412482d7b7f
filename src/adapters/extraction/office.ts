import { unzipSync } from 'fflate'
import { EXTRACTION } from './limits.ts'
import { BoundedText } from './texts.ts'
import { Unreadable } from './unreadable.ts'

/** The text of a DOCX. */
export async function wordText(bytes: Uint8Array): Promise<string | null> {
  assertUnfolds(bytes)
  const { default: mammoth } = await import('mammoth')
  const text = new BoundedText()
  text.add((await mammoth.extractRawText({ buffer: Buffer.from(bytes) })).value.replace(/\n{2,}/g, '\n'))
  return text.toText()
}

/** The cells of an XLSX: a line for each row, a tab between cells, and each sheet under its name. */
export async function sheetText(bytes: Uint8Array): Promise<string | null> {
  assertUnfolds(bytes)
  const { default: readSheets } = await import('read-excel-file/node')
  const text = new BoundedText()
  for (const { sheet, data } of await readSheets(Buffer.from(bytes))) {
    text.add(`${sheet}\n`)
    for (const row of data) {
      if (text.full) break
      text.add(`${row.map(cellText).join('\t').trimEnd()}\n`)
    }
  }
  return text.toText()
}

function cellText(cell: unknown): string {
  if (cell === null || cell === undefined) return ''
  return cell instanceof Date ? cell.toISOString() : String(cell)
}

/** By its directory alone: what lies there is ended by its memory. */
function assertUnfolds(bytes: Uint8Array): void {
  let unpacked = 0
  unzipSync(bytes, {
    filter({ originalSize }) {
      unpacked += originalSize
      return false
    },
  })
  if (unpacked > EXTRACTION.unpackedBytes) throw new Unreadable('The file unfolds to more than may be read.')
}
