/** What the AI service does with one question. */
export const MODES = [
  'plain',
  'unnumbered',
  'repeated',
  'reordered',
  'retried',
  'whole',
  'replaced',
  'refuses once',
  'refuses',
  'hangs',
  'silent',
  'dies',
  'gap',
  'endless',
] as const
export type Mode = (typeof MODES)[number]

/** How a question is answered: the service and whoever judges the answer make the same of the same question. */
export type Script = {
  mode: Mode
  pieces: string[]
  /** Pieces that are sent, where the service gives up before the last, or leaves out the one after those. */
  sent: number
}

/** What an endless answer is made of. */
const ENDLESS_PIECE = 8192

export function questionOf(number: number, mode: Mode): string {
  return `${number} ${mode}`
}

export function scriptOf(question: string): Script {
  const number = Number.parseInt(question, 10)
  const mode = MODES.find((known) => question === questionOf(number, known))
  if (mode === undefined) throw new Error(`No such question: ${question}`)
  const random = randomOf(number)
  if (mode === 'endless') return { mode, pieces: [`${number} `.padEnd(ENDLESS_PIECE, '.')], sent: 1 }
  const pieces = Array.from({ length: 10 + Math.floor(random() * 30) }, (_, index) => {
    const word = WORDS[Math.floor(random() * WORDS.length)] ?? ''
    return `${word}${index} `.repeat(1 + Math.floor(random() * 4))
  })
  return { mode, pieces, sent: 1 + Math.floor(random() * (pieces.length - 2)) }
}

/** Of one byte, of several, of several code points, and what JSON and terminals take for something else. */
const WORDS = [
  'a',
  'wörld',
  '“quoted”',
  '👋🏽',
  '👨‍👩‍👧',
  '日本',
  '\n',
  '\t',
  '"',
  '\\',
  '</script>',
  '{"type":"x"}',
  'e\u0301',
]

/** The same numbers from 0 to 1 for the same seed. */
export function randomOf(seed: number): () => number {
  let state = (seed + 1) * 2_654_435_769
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0
    return ((state ^ (state >>> 12)) >>> 0) / 4_294_967_296
  }
}

export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, place: random() }))
    .sort((one, other) => one.place - other.place)
    .map(({ item }) => item)
}

/** What a `replaced` answer says in the end, in place of its chunks. */
export function replacementOf({ pieces }: Script): string {
  return [...pieces].reverse().join('')
}
