import type { TestDatabase } from '../../support/database.ts'
import { Client } from '../rig/client.ts'
import { Deployment, type DeploymentOptions } from '../rig/deployment.ts'
import type { Outcome } from '../rig/judge.ts'
import { withRedis } from '../rig/redis.ts'
import { anyAction, perform } from './actions.ts'
import { differences, fetchChat, snapshotDifferences } from './fresh.ts'
import { Replica } from './replica.ts'

const ACTORS = 4
const JOINERS = 5

export type Model = { chats: number; actions: number; limitMs: number }

/** R10: whatever is done to a chat, who applies its events knows what a fresh read tells. */
export function actAtRandom(database: TestDatabase, model: Model): Promise<Outcome> {
  const { limitMs } = model
  const act = (options: DeploymentOptions) =>
    Deployment.with(options, (deployment) => run(database.kind, deployment, model))
  if (database.kind === 'embedded') return act({ database, limitMs })
  return withRedis((redisUrl) => act({ database, instances: 2, redisUrl, limitMs }))
}

async function run(kind: string, deployment: Deployment, { chats, actions }: Model): Promise<Outcome> {
  const client = await Client.signUp(deployment)
  const faults: string[] = []
  const counts = { done: 0, refused: 0, events: 0 }
  for (let round = 0; round < chats; round += 1) {
    const chatId = await client.makeChat()
    const first = new Replica(client, chatId, 0)
    await deployment.within(first.reader.watches())
    const replicas = [first]
    let left = actions
    const act = async () => {
      while (left > 0 && !deployment.stop.aborted) {
        left -= 1
        const outcome = await perform(client, chatId, anyAction(first.state))
        counts.done += outcome.done
        counts.refused += outcome.refused
        faults.push(...outcome.faults)
        if (replicas.length <= JOINERS && Math.random() < (2 * JOINERS) / actions)
          replicas.push(new Replica(client, chatId))
        if (Math.random() < 0.02) replicas[Math.floor(Math.random() * replicas.length)]?.reader.drop()
      }
    }
    await deployment.within(Promise.all(Array.from({ length: ACTORS }, act)))
    const newest = await client.newest(chatId)
    await deployment.within(Promise.all(replicas.map(({ reader }) => reader.reaches(newest))))
    const fresh = await fetchChat(client, chatId)
    for (const replica of replicas) {
      replica.reader.end()
      faults.push(...replica.reader.faults, ...differences(replica.state, fresh, replica === first))
    }
    faults.push(...(await snapshotDifferences(client, chatId, fresh, first.state)))
    counts.events += newest
  }
  const figures = `${kind}, ${deployment.instances.length} instances: ${chats} chats, ${counts.done} actions done, ${counts.refused} refused, ${counts.events} events`
  return { figures, faults }
}
