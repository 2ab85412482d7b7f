import { Refusal } from '../../domain/refusal.ts'

/** Deeper than this nothing that we read is: a parser or validator that calls itself would run out of stack. */
const DEPTH_MAX = 64

const OPENING = new Set(['[', '{'].map((char) => char.charCodeAt(0)))
const CLOSING = new Set([']', '}'].map((char) => char.charCodeAt(0)))
const [QUOTE, BACKSLASH] = ['"'.charCodeAt(0), '\\'.charCodeAt(0)]

/** Throws `Refusal('invalid')` for JSON text that is nested too deep to be looked into. */
export function assertShallow(json: string): void {
  if (depthOf(json) <= DEPTH_MAX) return
  throw new Refusal('invalid', { issues: [{ loc: ['body'], msg: `At most ${DEPTH_MAX} levels.`, type: 'too_deep' }] })
}

/** How deep JSON text is nested. */
function depthOf(json: string): number {
  let depth = 0
  let deepest = 0
  for (let index = 0; index < json.length; index++) {
    const char = json.charCodeAt(index)
    if (char === QUOTE) index = endOfText(json, index)
    else if (OPENING.has(char)) deepest = Math.max(deepest, ++depth)
    else if (CLOSING.has(char)) depth--
  }
  return deepest
}

/** Where the text that begins at a quotation mark ends. */
function endOfText(json: string, start: number): number {
  for (let index = start + 1; index < json.length; index++) {
    const char = json.charCodeAt(index)
    if (char === BACKSLASH) index++
    else if (char === QUOTE) return index
  }
  return json.length
}
