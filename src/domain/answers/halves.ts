// A character outside the first plane is two UTF-16 code units, and a source may cut its text between them.

const HIGH_AT_END = /[\ud800-\udbff]$/
const LOW_AT_START = /^[\udc00-\udfff]/

/** What can be told of a text by now, and the first half of a character at its end, which waits for what comes next. */
export function beforeHalf(text: string): { whole: string; half: string } {
  return HIGH_AT_END.test(text) ? { whole: text.slice(0, -1), half: text.slice(-1) } : { whole: text, half: '' }
}

/** A text without the second half of a character that it begins with. */
export function afterHalf(text: string): { half: string; rest: string } {
  return LOW_AT_START.test(text) ? { half: text.slice(0, 1), rest: text.slice(1) } : { half: '', rest: text }
}
