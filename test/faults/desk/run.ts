import type { TestDatabase } from '../../support/database.ts'
import { Deployment } from '../rig/deployment.ts'
import type { Outcome } from '../rig/judge.ts'
import { total } from '../rig/live-reader.ts'
import { withRedis } from '../rig/redis.ts'
import { Agent } from './agent.ts'
import { Customer, LIMIT, newAgent, newCustomer, SERVICE_KEY } from './people.ts'
import { readAll, verifyDesk } from './verify.ts'

type Options = { customers: number; agents: number; rounds: number; limitMs: number }

const VARIABLES = {
  PUBLIC_APIS: ',',
  SERVICE_API_KEY: SERVICE_KEY,
  SUPPORT_SESSIONS_PER_AGENT: String(LIMIT),
  LIMIT_AUTH_PER_MINUTE: '100000',
  LIMIT_REGISTER_PER_HOUR: '100000',
}

/** Customers post, end, come back and lose their connections, while agents claim, hand on and end, all at random. */
export function handleAtRandom(database: TestDatabase, options: Options): Promise<Outcome> {
  const { limitMs } = options
  if (database.kind === 'embedded') return Deployment.with({ database, variables: VARIABLES, limitMs }, play(options))
  return withRedis((redisUrl) =>
    Deployment.with({ database, instances: 2, redisUrl, variables: VARIABLES, limitMs }, play(options)),
  )
}

function play({ customers: customerCount, agents: agentCount, rounds }: Options) {
  return async (deployment: Deployment): Promise<Outcome> => {
    const speakers = await Promise.all(Array.from({ length: customerCount }, (_, n) => newCustomer(deployment, n)))
    const agents = (await Promise.all(Array.from({ length: agentCount }, () => newAgent(deployment)))).map(
      (speaker) => new Agent(speaker),
    )
    const customers = await Promise.all(speakers.map((speaker) => Customer.open(speaker)))
    // Each agent has several customers to see to.
    const turns = Math.ceil((rounds * customerCount) / agentCount / 2)
    await deployment.within(
      Promise.all([
        ...customers.map((customer) => repeat(rounds, () => customer.round())),
        ...agents.map((agent) => repeat(turns, () => agent.round(agents))),
      ]),
    )
    // Whatever else is told, it is told by then.
    const read = await Promise.all(customers.map(readAll))
    const ends = customers.map(async ({ reader, speaker, sessionId }) =>
      reader.reaches(await speaker.client.newest(sessionId)),
    )
    await deployment.within(Promise.all(ends))
    const readers = [...customers.map(({ reader }) => reader), ...agents.flatMap((agent) => agent.readers)]
    for (const reader of readers) reader.end()
    const faults = await deployment.stored((stored) => verifyDesk(stored, customers, agents, read))
    const said = [...speakers, ...agents.map(({ speaker }) => speaker)].reduce((sum, one) => sum + one.said.length, 0)
    const claims = agents.reduce((sum, agent) => sum + agent.claims.length, 0)
    const figures = [
      `${said} messages`,
      `${claims} claims`,
      `${agents.reduce((sum, { lost }) => sum + lost, 0)} refused`,
      `${agents.reduce((sum, { notes }) => sum + notes, 0)} notes`,
      `${total(readers, ({ opened }) => opened)} sockets`,
    ]
    return { figures: figures.join(', '), faults }
  }
}

async function repeat(times: number, act: () => Promise<void>): Promise<void> {
  for (let time = 0; time < times; time += 1) await act()
}
