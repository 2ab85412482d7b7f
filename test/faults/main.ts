import { desk } from './desk.ts'
import { r1 } from './r1.ts'
import { r2 } from './r2.ts'
import { r3 } from './r3.ts'
import { r4 } from './r4.ts'
import { r5 } from './r5.ts'
import { r6 } from './r6.ts'
import { r7 } from './r7.ts'
import { r8 } from './r8.ts'
import { r9 } from './r9.ts'
import { r10 } from './r10.ts'
import { soak } from './soak.ts'

/** `bun run faults [r1 …]`: the reliability targets, each with a verdict in one line. All of them where none is named. */
const TARGETS: Record<string, () => Promise<boolean>> = { r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, soak, desk }

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
