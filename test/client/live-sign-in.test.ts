import { afterEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import type { ServerWebSocket } from 'bun'
import { SocketClosed } from '../../client/src/frames.ts'
import { openLive } from '../../client/src/live.ts'
import type { LiveOptions } from '../../client/src/live-socket.ts'
import type { LiveItem } from '../../client/src/live-watch.ts'
import { NO_TOLD_ANSWERING } from '../../src/contract/answering.ts'
import { CLOSE_CODES } from '../../src/contract/close-codes.ts'
import { LiveClientFrame } from '../../src/contract/live.ts'
import { until } from '../support/wait.ts'
import { type Act, scriptedServer } from './scripted-server.ts'

setDefaultTimeout(60_000)

const ADA = '0198f39f-1b0a-7f31-b6c4-90a1d2e3f4b5'
const BOB = '0198f39f-1b0a-7f31-b6c4-90a1d2e3f4b6'
const CHAT = '0198f3a0-5c1e-7a4b-9d2e-3f6a7b8c9d0e'

const stops: (() => unknown)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

/** What a server does with each kind of frame: it sends what is returned, or closes. */
type Answers = {
  authenticate?(frame: Extract<LiveClientFrame, { type: 'authenticate' }>): object | 'signed_out'
  watch?(frame: Extract<LiveClientFrame, { type: 'watch' }>): object[] | 'restart'
}

/** Until when a token is good that nobody has to renew in a test. */
const LATER = '2099-01-01T00:00:00.000Z'
const welcome = (id: string, { user_id = ADA, expires_at = LATER } = {}) => ({
  type: 'authenticated',
  id,
  user_id,
  expires_at,
})

function liveOf(answers: Answers[], options: Partial<LiveOptions>) {
  const tokens: string[] = []
  const acts = answers.map(
    (answer): Act =>
      (socket: ServerWebSocket<unknown>) =>
      (text: string) => {
        const frame = LiveClientFrame.parse(JSON.parse(text))
        if (frame.type === 'authenticate') {
          tokens.push(frame.token)
          const said = answer.authenticate?.(frame) ?? welcome(frame.id)
          if (said === 'signed_out') socket.close(CLOSE_CODES.signed_out.code, CLOSE_CODES.signed_out.reason)
          else socket.send(JSON.stringify(said))
        } else if (frame.type === 'watch') {
          const said = answer.watch?.(frame) ?? [watching(frame.id)]
          if (said === 'restart') socket.close(CLOSE_CODES.restart.code)
          else for (const one of said) socket.send(JSON.stringify(one))
        }
      },
  )
  const server = scriptedServer(...acts)
  const live = openLive(server.url, { token: 'token', delay: () => 1, ...options })
  stops.push(server.stop, () => live.close())
  return { live, tokens, server }
}

const watching = (id: string | null, seq = 0, more: object = {}) => ({
  type: 'watching',
  id,
  chat_id: CHAT,
  seq,
  recovered: true,
  ...more,
})
const refused = (id: string, reason: string) => ({ type: 'refused', id, reason, detail: 'No' })
const renamed = (seq: number) => ({
  chat_id: CHAT,
  seq,
  at: '2026-01-31T12:00:00.000Z',
  type: 'chat.updated',
  data: { title: String(seq) },
})

/** The error that the watch ends with. */
async function endOf(items: AsyncIterable<LiveItem>): Promise<unknown> {
  try {
    for await (const item of items) expect(item.chat_id).toBe(CHAT)
    return undefined
  } catch (error) {
    return error
  }
}

/** Gives these tokens one after the other, then the last for good. */
const inTurn = (...tokens: (string | undefined)[]) => {
  return async () => (tokens.length > 1 ? tokens.shift() : tokens[0])
}

describe('the sign-in of the live client', () => {
  test('the token is the first frame, and in no address', async () => {
    const { live, tokens, server } = liveOf([{}], { token: 'secret' })
    await until(() => live.status.getSnapshot() === 'open')
    expect(tokens).toEqual(['secret'])
    expect(server.paths).toEqual(['/api/live'])
  })

  test('a token that a function gives is renewed in place before it expires', async () => {
    const soon = () => new Date(Date.now() + 1200).toISOString()
    const { live, tokens, server } = liveOf(
      [{ authenticate: ({ id, token }) => welcome(id, { expires_at: token === 'third' ? LATER : soon() }) }],
      { token: inTurn('first', 'first', 'second', 'third') },
    )
    await until(() => tokens.length === 3)
    expect(tokens).toEqual(['first', 'second', 'third'])
    expect(server.paths).toHaveLength(1)
    expect(live.status.getSnapshot()).toBe('open')
  })

  test('a socket that is signed out comes back once with a fresh token', async () => {
    const { live, tokens } = liveOf([{ authenticate: () => 'signed_out' }, {}], { token: inTurn('old', 'new') })
    await until(() => live.status.getSnapshot() === 'open')
    expect(tokens).toEqual(['old', 'new'])
  })

  test('it ends where the fresh token is no good either', async () => {
    const { live, tokens } = liveOf([{ authenticate: ({ id }) => refused(id, 'token_invalid') }], {
      token: inTurn('old', 'new', 'newer'),
    })
    expect(await endOf(live.watch(CHAT))).toMatchObject({ name: 'SocketClosed', code: 4401, message: 'No' })
    expect(tokens).toEqual(['old', 'new'])
  })

  test('it ends with a plain token that is signed out, and where there is no token any more', async () => {
    const plain = liveOf([{ authenticate: () => 'signed_out' }], { token: 'old' })
    expect(await endOf(plain.live.watch(CHAT))).toMatchObject({ code: 4401 })
    const none = liveOf([{ authenticate: () => 'signed_out' }], { token: inTurn('old', undefined) })
    expect(await endOf(none.live.watch(CHAT))).toMatchObject({ code: 4400 })
    expect(none.live.status.getSnapshot()).toBe('closed')
  })

  test('what waits is not sent as another account', async () => {
    const { live, server } = liveOf(
      [{ watch: () => 'restart' }, { authenticate: ({ id }) => welcome(id, { user_id: BOB }) }],
      { token: inTurn('ada', 'bob') },
    )
    const ended = endOf(live.watch(CHAT))
    const posted = live.post(CHAT, { content: 'from Ada' }).catch((error: unknown) => error)
    expect(await ended).toMatchObject({ name: 'SocketClosed', code: 4401 })
    expect(await posted).toBeInstanceOf(SocketClosed)
    expect(server.paths).toHaveLength(2)
  })

  test('a token that cannot be had now is asked for again, and so is a server with too much to do', async () => {
    let turn = 0
    const { live, tokens } = liveOf([{ authenticate: ({ id }) => refused(id, 'overloaded') }, {}], {
      async token() {
        turn += 1
        if (turn < 3) throw new TypeError('fetch failed')
        return 'token'
      },
    })
    await until(() => live.status.getSnapshot() === 'open')
    expect(turn).toBe(4)
    expect(tokens).toEqual(['token', 'token'])
  })
})

describe('the live client and a server newer than itself', () => {
  test('passes over frames and events that it does not know', async () => {
    const unknown = { chat_id: CHAT, seq: 2, at: LATER, type: 'chat.painted', data: { colour: 'red' } }
    const { live } = liveOf(
      [{ watch: ({ id }) => [{ type: 'weather' }, watching(id), renamed(1), unknown, renamed(3)] }],
      {},
    )
    const seqs: number[] = []
    for await (const item of live.watch(CHAT, { after: 0 })) {
      seqs.push(item.seq)
      if (item.seq === 3) break
    }
    expect(seqs).toEqual([0, 1, 3])
  })

  test('a refusal for a reason that it does not know is one all the same', async () => {
    const { live } = liveOf([{ watch: ({ id }) => [refused(id, 'too_blue')] }], {})
    expect(await endOf(live.watch(CHAT))).toMatchObject({ name: 'ParleyError', reason: 'unknown' })
  })

  test('a watch that the server has no time for is asked for again', async () => {
    let asked = 0
    const { live } = liveOf(
      [
        {
          watch({ id }) {
            asked += 1
            return asked === 1 ? [refused(id, 'storage_unavailable')] : [watching(id)]
          },
        },
      ],
      {},
    )
    for await (const item of live.watch(CHAT, { after: 0 })) {
      expect(item).toEqual({ type: 'watching', chat_id: CHAT, seq: 0, recovered: true })
      break
    }
    expect(asked).toBe(2)
  })

  test('a frame that breaks the contract ends it', async () => {
    const { live } = liveOf([{ watch: ({ id }) => [watching(id), { ...renamed(1), data: 'none' }] }], {})
    expect(await endOf(live.watch(CHAT, { after: 0 }))).toMatchObject({ name: 'ZodError' })
  })

  test('a server that starts the chat over by itself is believed', async () => {
    const { live } = liveOf([{ watch: ({ id }) => [watching(id), renamed(1), watching(null, 7, snapshot)] }], {})
    const items: LiveItem[] = []
    for await (const item of live.watch(CHAT, { after: 0 })) {
      items.push(item)
      if (items.length === 3) break
    }
    expect(items).toMatchObject([{ recovered: true }, { seq: 1 }, { seq: 7, ...snapshot }])
  })
})

const snapshot = {
  recovered: false,
  snapshot: {
    chat: {
      id: CHAT,
      title: 'Trip',
      user_id: ADA,
      active_branch_id: CHAT,
      last_seq: 7,
      metadata: {},
      created_at: LATER,
      updated_at: LATER,
      archived_at: null,
      deleted_at: null,
    },
    branches: [],
    messages: [],
    read_cursors: {},
    answering: NO_TOLD_ANSWERING,
  },
}
