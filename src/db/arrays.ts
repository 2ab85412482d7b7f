// Postgres arrays as text, for statements that are sent with many of them: the driver looks through every value twice for
// what must be escaped, which takes longer than all the rest of sending it.

const SPECIAL = /["\\]/
const SPECIALS = /["\\]/g

/** Of values that need no quotes: ids, numbers, words of ours. */
export function plainArray(values: readonly (string | number | null)[]): string {
  return `{${values.map((value) => value ?? 'NULL').join()}}`
}

export function textArray(values: readonly (string | null)[]): string {
  return `{${values.map((value) => (value === null ? 'NULL' : `"${escaped(value)}"`)).join()}}`
}

/** Of JSON texts, whole or cut off: their quotes and backslashes are all that a JSON string of them escapes. */
export function jsonTextArray(values: readonly string[]): string {
  return `{${values.map((value) => JSON.stringify(value)).join()}}`
}

function escaped(value: string): string {
  return SPECIAL.test(value) ? value.replace(SPECIALS, '\\$&') : value
}
