import { FILE_NAME_MAX } from '../../contract/files.ts'

/** Control characters, and those that turn the direction of what follows: `fdp.exe` shown as `exe.pdf`. */
const UNSEEN = /[\p{Cc}\p{Cf}\u2028\u2029]/gu

/** What was sent, as it can be stored: no NUL, well-formed, no longer than names may be. */
export function sentName(name: string): string {
  return cut(name.toWellFormed().replaceAll('\0', '\uFFFD'))
}

/** A name to show and to save by: the last part of a path, one line, nothing that cannot be seen. Never a path for us. */
export function shownName(name: string): string {
  const last = name.toWellFormed().normalize('NFC').split(/[/\\]/).at(-1) ?? ''
  const seen = last.replace(UNSEEN, '').replace(/\s+/gu, ' ').trim()
  return cut(/^\.*$/.test(seen) ? 'file' : seen)
}

/** The end tells what a file is to whoever opens it: it stays. */
function cut(name: string): string {
  if (name.length <= FILE_NAME_MAX) return name
  const ending = /\.[^.]{1,20}$/u.exec(name)?.[0] ?? ''
  return `${name.slice(0, FILE_NAME_MAX - ending.length)}${ending}`.toWellFormed()
}

/** In small letters, without the dot; `''` where there is none. */
export function endingOf(name: string): string {
  return /\.([^.]+)$/.exec(name)?.[1]?.toLowerCase() ?? ''
}
