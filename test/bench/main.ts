import { parseArgs } from 'node:util'
import { Ground } from './harness/ground.ts'
import { measure, type Outcome } from './harness/scenario.ts'
import { table } from './harness/table.ts'
import { answers } from './scenarios/answers.ts'
import { durablePost } from './scenarios/durable-post.ts'
import { fanOut } from './scenarios/fan-out.ts'
import { history } from './scenarios/history.ts'
import { idle } from './scenarios/idle.ts'
import { live } from './scenarios/live.ts'
import { sessionPost } from './scenarios/session-post.ts'
import { start } from './scenarios/start.ts'
import { types } from './scenarios/types.ts'
import { uploads } from './scenarios/uploads.ts'

// `bun run bench [--rounds 5] [P2 P4 …]`: the figures of the product, each beside what the same machine could do at most.
// It reports and never fails: the figures depend on the machine, and on what else runs on it.

const scenarios = [
  ...durablePost,
  ...sessionPost,
  ...history,
  ...fanOut,
  ...live,
  ...answers,
  ...start,
  ...idle,
  ...uploads,
  ...types,
]

const { values, positionals } = parseArgs({
  options: { rounds: { type: 'string', default: '5' } },
  allowPositionals: true,
})
const rounds = Math.max(1, Math.trunc(Number(values.rounds)) || 5)
const wanted = positionals.map((name) => name.toLowerCase())
const chosen = scenarios.filter(
  ({ id }) => wanted.length === 0 || wanted.some((name) => `${id.toLowerCase()} `.startsWith(`${name} `)),
)
if (chosen.length === 0) console.error(`No such figure. There are: ${scenarios.map(({ id }) => id).join(', ')}`)

const outcomes: Outcome[] = []
const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupted.abort())

for (const scenario of chosen) {
  process.stderr.write(`${scenario.id}  ${scenario.what} …\n`)
  const ground = new Ground()
  const stop = () => ground.stop()
  interrupted.signal.addEventListener('abort', stop)
  outcomes.push(await measure(scenario, ground, rounds))
  interrupted.signal.removeEventListener('abort', stop)
  await ground.stop()
  if (interrupted.signal.aborted) process.exit(130)
}
console.log(`\nBun ${Bun.version}, medians of ${rounds}\n\n${table(outcomes)}`)
