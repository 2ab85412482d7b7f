/** What a signal's parts are: without blanks, which part them. An account's id is one as it is. */
export function wordOf(person: string): string {
  return encodeURIComponent(person)
}

/** Never fails: what is no such word comes back as it is. */
export function fromWord(word: string): string {
  try {
    return decodeURIComponent(word)
  } catch {
    return word
  }
}
