import type { TestDatabase } from '../../support/database.ts'
import { Client } from '../rig/client.ts'
import { Deployment, type DeploymentOptions } from '../rig/deployment.ts'
import type { Outcome } from '../rig/judge.ts'
import { Ledger } from '../rig/ledger.ts'
import { withRedis } from '../rig/redis.ts'
import { faultsOf } from '../rig/stored.ts'
import { SlowPost } from './slow-post.ts'
import { openSocket, openStream } from './sockets.ts'
import { Traffic } from './traffic.ts'

const STREAMS = 10
const POSTS_BEFORE = 200

export type Stopping = {
  sockets: number
  /** A balancer stands in front: the server serves on for a moment in which it is not ready. */
  proxied: boolean
  limitMs: number
}

/** R9: a server with open sockets, streams and calls in flight is told to stop. */
export function stopUnderLoad(database: TestDatabase, stopping: Stopping): Promise<Outcome & { tookMs: number }> {
  const { limitMs } = stopping
  const variables = { TRUST_PROXY: String(stopping.proxied) }
  const stop = (options: DeploymentOptions) =>
    Deployment.with(options, (deployment) => run(database.kind, deployment, stopping))
  if (database.kind === 'embedded') return stop({ database, variables, limitMs })
  return withRedis((redisUrl) => stop({ database, redisUrl, variables, limitMs }))
}

async function run(kind: string, deployment: Deployment, { sockets, proxied }: Stopping) {
  const address = await deployment.address()
  const client = await Client.signUp(deployment)
  const chatId = await client.makeChat()
  const watch = { type: 'watch', id: '1', chat_id: chatId }
  const live = Array.from({ length: Math.ceil(sockets * 0.8) }, () => openSocket(client, address, '/api/live', watch))
  const session = Array.from({ length: Math.floor(sockets * 0.2) }, (_, number) =>
    openSocket(client, address, `/v1/chat/sessions/stop-${number}/ws`),
  )
  await deployment.within(Promise.all([...live, ...session].map(({ opened }) => opened)))
  const input = encodeURIComponent(JSON.stringify({ chat_id: chatId }))
  const streams = await Promise.all(
    Array.from({ length: STREAMS }, (_, number) =>
      openStream(
        client,
        address,
        number % 2 === 0 ? `/api/chats/${chatId}/events` : `/trpc/chats.watch?input=${input}`,
      ),
    ),
  )
  const ledger = new Ledger()
  const traffic = new Traffic(client, address)
  const slow = new SlowPost(client, address, chatId)
  const posting = traffic.post(chatId, ledger)
  await deployment.beside([posting], ledger.grows(POSTS_BEFORE))

  const begun = performance.now()
  const exited = deployment.instances[0]?.stop()
  const asking = traffic.askReadiness()
  await deployment.within(traffic.notReady)
  slow.finish()
  const code = await deployment.within(exited ?? Promise.resolve(undefined))
  const tookMs = performance.now() - begun

  const faults: string[] = []
  const expect = (holds: boolean, fault: string) => holds || faults.push(fault)
  expect(code === 0, `it ended with ${code}`)
  await deployment.within(Promise.all([posting, asking]))
  const late = traffic.readiness.slice(traffic.readiness.findIndex((status) => status !== 200))
  expect(!late.includes(200), 'it was ready again')
  expect(!proxied || late.includes(503), 'it never said that it is not ready')
  expect(!proxied || traffic.unanswered === 0, `${traffic.unanswered} posts were not answered`)
  const status = await slow.answered
  expect(status.startsWith('HTTP/1.1 200'), `the call in flight was answered ${status}`)
  for (const { code: closed, last } of await Promise.all(live.map((socket) => socket.closed))) {
    expect(closed === 1012, `a live socket was closed with ${closed}`)
    expect(last.startsWith('{"type":"bye","code":1012'), `its last frame was ${last.slice(0, 60)}`)
  }
  for (const { code: closed } of await Promise.all(session.map((socket) => socket.closed))) {
    expect(closed === 1012, `a session's socket was closed with ${closed}`)
  }
  for (const whole of await Promise.all(streams.map(({ ended }) => ended))) expect(whole, 'a stream was cut off')
  // One beside the ledger: the call in flight.
  const unanswered = traffic.unanswered + traffic.refused + 1
  faults.push(...(await deployment.stored((stored) => faultsOf(stored, chatId, ledger.acknowledged, unanswered))))
  const figures = [
    `${kind}${proxied ? ' behind a proxy' : ''}: ${live.length} live and ${session.length} session sockets closed with 1012`,
    `${STREAMS} streams ended`,
    `${ledger.acknowledged.length} acknowledged, ${traffic.unanswered} unanswered, ${traffic.refused} refused`,
    `ready ${traffic.readiness.filter((answer) => answer === 200).length} times after the signal, then not`,
    `ended with ${code} after ${Math.round(tookMs)} ms`,
  ]
  return { figures: figures.join(', '), faults, tookMs }
}
