/** What is looked for. */
export type SoughtWord = { /** As the database keeps words: in small letters. */ text: string; isPrefix: boolean }

/** A last word that is still being typed, also a compound. */
const TYPED_WORD = /(?:^|\s)([\p{L}\p{N}\p{M}_]+(?:-[\p{L}\p{N}\p{M}_]+)*)$/u

/**
 * How a search box's text goes to the database: whether its last word is looked for as the start of a word too, and
 * then with the parts of a compound apart, since a word that is not whole yet is no compound yet.
 */
export function typedText(q: string): { text: string; lastIsPrefix: boolean } {
  const word = TYPED_WORD.exec(q)?.[1]
  const inQuotes = q.split('"').length % 2 === 0
  if (word === undefined || inQuotes || word.toLowerCase() === 'or') return { text: q, lastIsPrefix: false }
  return { text: q.slice(0, q.length - word.length) + word.replaceAll('-', ' '), lastIsPrefix: true }
}

const LEXEME = /'((?:[^'\\]|''|\\\\)*)'(?::(\*)?[A-D]*)?/g

/** The words of a tsquery's text that has no negations. */
export function soughtWords(query: string): SoughtWord[] {
  return [...query.matchAll(LEXEME)].map(([, quoted = '', star]) => ({
    text: quoted.replaceAll("''", "'").replaceAll('\\\\', '\\'),
    isPrefix: star !== undefined,
  }))
}

/**
 * A text that every match contains in small letters, the longest there is: what lacks it need not be parsed, which
 * takes several times as long. None where only one of several words has to be there.
 */
export function neededText(query: string): string {
  if (query.replace(LEXEME, '').includes('|')) return ''
  // A sigma at the end of a word is another letter to some databases and not to others.
  const texts = soughtWords(query).map(({ text }) => text.split(/[σς]/)[0] ?? '')
  return texts.reduce((longest, text) => (text.length > longest.length ? text : longest), '')
}
