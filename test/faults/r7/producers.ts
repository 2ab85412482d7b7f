import type { TestDatabase } from '../../support/database.ts'
import { Client } from '../rig/client.ts'
import { Deployment } from '../rig/deployment.ts'
import type { Outcome } from '../rig/judge.ts'
import { LiveReader } from '../rig/live-reader.ts'
import { withRedis } from '../rig/redis.ts'
import { AnswerView } from './view.ts'

/** So much of each answer is there when its producer is killed, in UTF-16 code units. */
const BEGUN = 20

type Answered = { producer: number; view: AnswerView; reader: LiveReader }

/** Kills the instance that makes answers itself: they end on the other one, and whoever watches there has what is stored. */
export function killProducer(
  database: TestDatabase,
  { answers, limitMs }: { answers: number; limitMs: number },
): Promise<Outcome> {
  const variables = { ANSWERING: 'true' }
  return withRedis((redisUrl) =>
    Deployment.with({ database, instances: 2, redisUrl, variables, limitMs }, async (deployment) => {
      const client = await Client.signUp(deployment)
      const all = await Promise.all(Array.from({ length: answers }, (_, number) => answered(client, number)))
      for (const { view } of all) await view.reaches(BEGUN)
      await deployment.instances[0]?.killAndRestart()
      const ends = await Promise.all(all.map(({ view }) => view.ends()))
      for (const { reader } of all) reader.end()
      const faults = all.flatMap(({ producer, view }, index) => {
        const wanted = producer === 0 ? 'failed' : 'completed'
        const { status, content } = ends[index] ?? {}
        const found = view.faultsBy({ status: wanted, content: view.text ?? '' }, 'all')
        return found.map((fault) => `${index}, made by ${producer}, is ${status} with ${content}: a socket ${fault}`)
      })
      // Whoever comes back makes answers again.
      const next = await answered(client, 0)
      const { status } = await next.view.ends()
      next.reader.end()
      if (status !== 'completed') faults.push(`the next answer is ${status}`)
      const failed = ends.filter((end) => end.status === 'failed').length
      const figures = `of ${answers} answers by two instances one was killed: ${failed} failed with what was seen of them`
      return { figures, faults }
    }),
  )
}

/** A slow answer that an instance makes, watched at the other one, or where it is killed at the one that stays. */
async function answered(client: Client, number: number): Promise<Answered> {
  const producer = number % 2
  const chatId = await client.makeChat()
  const view = new AnswerView()
  const hear = view.hear.bind(view)
  const address = () => client.deployment.addressOf(1)
  const reader = new LiveReader({ client, chatId, after: 0, address, onEvent: hear, onFrame: hear })
  const body = { content: `slow ${number}`, client_id: crypto.randomUUID() }
  await client.ask({ path: `/api/chats/${chatId}/messages`, body, address: client.deployment.addressOf(producer) })
  return { producer, view, reader }
}
