import type { SearchHit } from '../../contract/search.ts'
import type { SoughtWord } from './search-words.ts'

type Snippet = SearchHit['snippet']
type Range = [start: number, end: number]

/** The length of a snippet, and how much of it comes before the first match. */
const LENGTH = 240
const LEAD = 60

/** As the database parts words: `_` is not in one. */
const WORD = /[\p{L}\p{N}\p{M}]/u

/**
 * The part of a content where the most of what was found is close together, with the places of it. It is cut at blanks
 * where there are any near, and never within a character.
 */
export function snippetOf(content: string, words: readonly SoughtWord[]): Snippet {
  const found = matchesIn(content, words)
  const { start, end } = windowOf(content, found)
  const matches = found
    .filter(([from, to]) => from >= start && to <= end)
    .map(([from, to]): Range => [from - start, to - start])
  return { text: content.slice(start, end), matches }
}

/** Where the words are, in order, those that touch put together. */
function matchesIn(content: string, words: readonly SoughtWord[]): Range[] {
  const small = smallLetters(content)
  const ranges = words
    .flatMap(({ text, isPrefix }) => placesOf(small, { text: alike(text), isPrefix }))
    .sort(([a], [b]) => a - b)
  const apart: Range[] = []
  for (const [start, end] of ranges) {
    const last = apart.at(-1)
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end)
    else apart.push([start, end])
  }
  return apart
}

function placesOf(small: string, { text, isPrefix }: SoughtWord): Range[] {
  const places: Range[] = []
  if (text === '') return places
  for (let at = small.indexOf(text); at !== -1; at = small.indexOf(text, at + text.length)) {
    const end = at + text.length
    if (isWordAt(small, at - 1) || (!isPrefix && isWordAt(small, end))) continue
    places.push([at, isPrefix ? wordEnd(small, end) : end])
  }
  return places
}

function wordEnd(text: string, from: number): number {
  let end = from
  while (isWordAt(text, end)) end += (text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1
  return end
}

/** Whether a word goes on over this place. Of a pair of surrogates either half may be asked for. */
function isWordAt(text: string, index: number): boolean {
  const unit = text.charCodeAt(index)
  const start = unit >= 0xdc00 && unit <= 0xdfff ? index - 1 : index
  const point = text.codePointAt(start)
  return point !== undefined && WORD.test(String.fromCodePoint(point))
}

/** Each character where it was: `İ` is the only one whose small letter is longer. */
function smallLetters(content: string): string {
  return content.replaceAll('İ', 'i').toLowerCase().replaceAll('ς', 'σ')
}

/** A word of the database's in the same letters: databases differ in those of `İ`, and of a sigma that ends a word. */
function alike(word: string): string {
  return word.replaceAll('i\u0307', 'i').replaceAll('ς', 'σ')
}

function windowOf(content: string, found: readonly Range[]): { start: number; end: number } {
  const first = densest(found)
  const start = cutNear(content, Math.max(0, Math.min(first - LEAD, content.length - LENGTH)), 1)
  const end = cutNear(content, Math.min(content.length, start + LENGTH), -1)
  return { start, end }
}

/** Where the stretch of a snippet's length that has the most matches begins; 0 where nothing was found. */
function densest(found: readonly Range[]): number {
  let best = 0
  let most = 0
  let next = 0
  for (const [index, [start]] of found.entries()) {
    while ((found[next]?.[1] ?? Number.POSITIVE_INFINITY) <= start + LENGTH - LEAD) next += 1
    if (next - index <= most) continue
    most = next - index
    best = start
  }
  return best
}

/** A place to cut: after or before a blank within a few characters, else where it is, but not within a character. */
function cutNear(content: string, at: number, direction: 1 | -1): number {
  if (at === 0 || at === content.length) return at
  for (let step = 0; step < LEAD / 3; step++) {
    const place = at + step * direction
    if (/\s/.test(content.charAt(direction === 1 ? place - 1 : place))) return place
  }
  const unit = content.charCodeAt(at)
  return unit >= 0xdc00 && unit <= 0xdfff ? at + direction : at
}
