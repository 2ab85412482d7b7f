import { r1 } from './r1.ts'

/** `bun run faults [r1 …]`: the reliability targets, each with a verdict in one line. All of them where none is named. */
const TARGETS: Record<string, () => Promise<boolean>> = { r1 }

const named = process.argv.slice(2)
const unknown = named.filter((name) => TARGETS[name] === undefined)
if (unknown.length > 0) {
  console.error(`There is no ${unknown.join(', ')}. There are: ${Object.keys(TARGETS).join(', ')}.`)
  process.exit(2)
}
let passed = true
for (const [name, run] of Object.entries(TARGETS)) {
  if (named.length === 0 || named.includes(name)) passed = (await run()) && passed
}
process.exit(passed ? 0 : 1)
