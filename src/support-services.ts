import type { Logger } from 'pino'
import type { Config } from './config.ts'
import type { Database } from './db/open.ts'
import type { AnswerService } from './domain/answers/service.ts'
import type { ChatServices } from './domain/chats/services.ts'
import type { Bus } from './domain/ports.ts'
import { SupportAgents } from './domain/support/agents.ts'
import { SupportChanges } from './domain/support/changes.ts'
import { SupportDesk } from './domain/support/desk.ts'
import { SupportDeskFeed } from './domain/support/desk-feed.ts'
import { SupportDeskStore } from './domain/support/desk-store.ts'
import { SupportHandOver } from './domain/support/hand-over.ts'
import { SupportRouting } from './domain/support/routing.ts'
import { SupportService } from './domain/support/service.ts'
import { SupportSignals } from './domain/support/signals.ts'
import { SupportStore } from './domain/support/support-store.ts'

type Parts = { database: Database; bus: Bus; chats: ChatServices; answers: AnswerService; log: Logger }

export type SupportServices = {
  support: SupportService
  desk: SupportDesk
  handOver: SupportHandOver
  feed: SupportDeskFeed
  stop(): Promise<void>
}

/** Live support by people, over chats. */
export async function openSupport(
  { support: { routing, sessionsPerAgent } }: Pick<Config, 'support'>,
  { database, bus, chats: { chats, messages, access, log }, answers, ...parts }: Parts,
): Promise<SupportServices> {
  const sessions = new SupportStore(database)
  const store = new SupportDeskStore(database)
  const signals = new SupportSignals(bus)
  await signals.start()
  const changes = new SupportChanges(sessions, log, signals)
  const agents = new SupportAgents(store, signals, sessionsPerAgent)
  const handOver = new SupportHandOver({ store: sessions, answers, access, log, changes, signals })
  answers.follow(handOver)
  const report = (err: unknown) => parts.log.error({ err }, 'giving sessions to agents failed')
  const feed = new SupportDeskFeed({
    store,
    sessions,
    signals,
    report: (err) => parts.log.error({ err }, 'telling agents of the desk failed'),
  })
  feed.start()
  const router = new SupportRouting({ store, changes, agents, signals, report })
  if (routing === 'least_busy') router.start()
  return {
    support: new SupportService({ store: sessions, chats, messages, answers, changes, agents, handOver, signals }),
    handOver,
    feed,
    desk: new SupportDesk({ store, sessions, changes, agents, handOver, signals, log }),
    async stop() {
      await router.stop()
      await feed.stop()
      signals.stop()
    },
  }
}
