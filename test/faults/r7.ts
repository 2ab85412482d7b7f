import type { TestDatabase } from '../support/database.ts'
import { killProducer } from './r7/producers.ts'
import { answerBadly } from './r7/run.ts'
import { judge, type Outcome } from './rig/judge.ts'

const LIMIT_MS = 600_000

/** R7 on the embedded stores, and on Postgres and Redis. */
export function r7(): Promise<boolean> {
  return judge(
    'R7',
    'each answer ended once, with the text that was sent and that every watcher saw',
    async (database) => {
      const runs = database.kind === 'postgres' ? onSharedStores(database) : embedded(database)
      const outcomes: Outcome[] = []
      for (const run of runs) outcomes.push(await run())
      return {
        figures: outcomes.map(({ figures }) => figures).join('; '),
        faults: outcomes.flatMap(({ faults }) => faults),
      }
    },
  )
}

function onSharedStores(database: TestDatabase): (() => Promise<Outcome>)[] {
  return [
    () => answerBadly(database, { answers: 1000, atOnce: 80, limitMs: LIMIT_MS }),
    () => answerBadly(database, { answers: 250, atOnce: 60, kills: 10, limitMs: LIMIT_MS }),
    () => answerBadly(database, { answers: 100, atOnce: 40, kills: 2, serviceKills: 3, limitMs: LIMIT_MS }),
    () => killProducer(database, { answers: 100, limitMs: LIMIT_MS }),
  ]
}

function embedded(database: TestDatabase): (() => Promise<Outcome>)[] {
  return [
    () => answerBadly(database, { answers: 200, atOnce: 40, limitMs: LIMIT_MS }),
    () => answerBadly(database, { answers: 100, atOnce: 30, kills: 4, limitMs: LIMIT_MS }),
  ]
}
