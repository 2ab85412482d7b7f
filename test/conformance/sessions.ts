import { afterEach, describe } from 'bun:test'
import type { SessionLimits } from '../../src/domain/ports.ts'
import { sessionChanges } from './session-changes.ts'
import { sessionLimits } from './session-limits.ts'
import { sessionList } from './session-list.ts'
import { sessionRaces } from './session-races.ts'
import { sessionSeals } from './session-seals.ts'
import type { OpenSessions, Start } from './session-world.ts'

const LIMITS: SessionLimits = { ttlSeconds: 60, maxMessages: 1000, maxBytes: 1_000_000 }

/** What the port `SessionStore` promises, for every adapter. */
export function sessionStoreContract(name: string, open: (limits: SessionLimits) => Promise<OpenSessions>): void {
  describe(`the session store: ${name}`, () => {
    const opened: OpenSessions[] = []
    const start: Start = async (limits) => {
      const world = await open({ ...LIMITS, ...limits })
      opened.push(world)
      return world
    }
    afterEach(() => {
      for (const world of opened.splice(0)) world.close()
    })

    describe('a session', () => sessionChanges(start))
    describe('concurrent posts', () => sessionRaces(start))
    describe('the limits', () => sessionLimits(start))
    describe('the list', () => sessionList(start))
    describe('a seal', () => sessionSeals(start))
  })
}
