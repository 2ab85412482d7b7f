import type { Message } from '../../contract/chats.ts'
import { pause } from '../pause.ts'
import type { FileText, FileTextStore } from './file-text-store.ts'

/** Of all files together, in characters; and how long is waited for those of a question to be read, in milliseconds. */
export type FileTextLimits = { filesLength: number; filesWaitMs: number }

const LOOK_MS = 300

/** What is in the files of messages, as somebody is told who answers them and sees no files. */
export class FileTexts {
  readonly #store: FileTextStore
  readonly #limits: FileTextLimits

  constructor(store: FileTextStore, limits: FileTextLimits) {
    this.#store = store
    this.#limits = limits
  }

  /**
   * What is to be said behind each message that has files, by message: of the question's first, then of what was said before
   * it, the newest first, until there is no room for more. Waits for files of the question that are being read still, for as
   * long as it may, or until the signal is aborted.
   */
  async behind(question: Message, before: readonly Message[], signal: AbortSignal): Promise<Map<string, string>> {
    const asked = [question, ...before.toReversed()].filter((message) => message.files.length > 0)
    const said = new Map<string, string>()
    let room = this.#limits.filesLength
    if (asked.length === 0 || room === 0) return said
    await this.#settled(question, signal)
    for (const message of asked) {
      if (room === 0) break
      const found = await this.#store.texts(idsOf(message), room)
      let behind = ''
      for (const { id } of message.files) {
        const file = found.get(id)
        if (file === undefined) continue
        const text = (file.text ?? '').slice(0, room)
        room -= text.length
        behind += `\n\n${delimited(file, text)}`
      }
      said.set(message.id, behind)
    }
    return said
  }

  async #settled(question: Message, signal: AbortSignal): Promise<void> {
    const ids = idsOf(question)
    const end = Date.now() + this.#limits.filesWaitMs
    while (ids.length > 0 && !signal.aborted && Date.now() < end && (await this.#store.unread(ids)) > 0) {
      await pause(LOOK_MS, signal)
    }
  }
}

function idsOf({ files }: Message): string[] {
  return files.map(({ id }) => id)
}

/** A file between marks that nothing in it can be taken for. */
function delimited(file: FileText, text: string): string {
  const name = file.name.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')
  const inside = text.toWellFormed().replace(/<(?=\/?file\b)/gi, '&lt;')
  const note = noteOn(file, text)
  return [`<file name="${name}">`, inside, note && `[${note}]`, '</file>'].filter((line) => line !== '').join('\n')
}

/** What its reader ought to know of it; `''` where it is all there. */
function noteOn({ state, reason, text, more }: FileText, shown: string): string {
  switch (state) {
    case 'pending':
    case 'processing':
      return 'It is still being read: what is in it is not known yet.'
    case 'failed':
      return `It could not be read. ${reason ?? ''}`.trimEnd()
    case 'ready':
      if (text === null) return `There is no text in it. ${reason ?? ''}`.trimEnd()
      return more || shown.length < text.length ? 'The rest of it is left out.' : (reason ?? '')
  }
}
