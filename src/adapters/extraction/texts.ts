import { Parser } from 'htmlparser2'
import { EXTRACTION } from './limits.ts'

/** Text of which no more is kept than may be, and nothing that no database takes. */
export class BoundedText {
  #parts: string[] = []
  #length = 0

  get full(): boolean {
    return this.#length >= EXTRACTION.characters
  }

  add(text: string): void {
    if (this.full) return
    const part = text.slice(0, EXTRACTION.characters - this.#length)
    this.#parts.push(part)
    this.#length += part.length
  }

  /** `null` where there is nothing to read. */
  toText(): string | null {
    const text = this.#parts.join('').replaceAll('\0', '').toWellFormed().trim()
    return text === '' ? null : text
  }
}

export function plainText(bytes: Uint8Array): string | null {
  const text = new BoundedText()
  text.add(new TextDecoder().decode(bytes))
  return text.toText()
}

const UNREAD = new Set(['script', 'style', 'noscript', 'template', 'svg', 'head'])
const BLOCKS =
  /^(?:address|article|blockquote|br|dd|div|dl|dt|footer|form|h[1-6]|header|hr|li|main|nav|ol|p|pre|section|table|tr|ul)$/

/** What a reader sees of a page. */
export function htmlText(bytes: Uint8Array): string | null {
  const text = new BoundedText()
  let unread = 0
  const parser = new Parser({
    onopentagname(name) {
      if (UNREAD.has(name)) unread += 1
      if (BLOCKS.test(name)) text.add('\n')
    },
    ontext(said) {
      if (unread === 0) text.add(said.replace(/\s+/g, ' '))
    },
    onclosetag(name) {
      if (UNREAD.has(name)) unread -= 1
      if (BLOCKS.test(name)) text.add('\n')
      if (name === 'td' || name === 'th') text.add('\t')
    },
  })
  parser.write(new TextDecoder().decode(bytes))
  parser.end()
  return text.toText()?.replace(/[ \t]*\n\s*/g, '\n') ?? null
}
