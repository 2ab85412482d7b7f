import { type Live, openLive } from '../../client/src/live.ts'
import type { LiveOptions } from '../../client/src/live-socket.ts'
import type { LiveItem } from '../../client/src/live-watch.ts'
import type { TestServerOptions } from '../support/app.ts'
import type { TestDatabase } from '../support/database.ts'
import { openPeople, type People } from '../support/people.ts'
import { type Line, openLine } from './line.ts'

/** `count` items, or all until the end. */
export async function take(items: AsyncIterable<LiveItem>, count = Number.POSITIVE_INFINITY): Promise<LiveItem[]> {
  const taken: LiveItem[] = []
  for await (const item of items) {
    taken.push(item)
    if (taken.length >= count) break
  }
  return taken
}

/** The next `count` items of a watch that goes on after them. */
export async function next(items: AsyncGenerator<LiveItem, void, void>, count = 1): Promise<LiveItem[]> {
  const taken: LiveItem[] = []
  while (taken.length < count) {
    const { value } = await items.next()
    if (!value) throw new Error('The watch has ended.')
    taken.push(value)
  }
  return taken
}

export const seqsOf = (items: LiveItem[]) => items.map(({ seq }) => seq)
export const contentsOf = (items: LiveItem[]) =>
  items.map((item) => (item.type === 'message.created' ? item.data.content : item.type))
export const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)

export const failureOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (error: unknown) => error,
  )

/** Every frame that is sent. */
export function recorded() {
  const sent: string[] = []
  class Recorded extends WebSocket {
    override send(text: string): void {
      sent.push(text)
      super.send(text)
    }
  }
  return {
    WebSocket: Recorded,
    sent: (type: string) => sent.filter((text) => text.includes(`"type":"${type}"`)).length,
  }
}

/** People whose clients reach the server by a line that a test can break. */
export interface LiveGround {
  people: People
  line: Line
  /** Ada's, unless somebody else is named. */
  connect(options?: Partial<LiveOptions>, person?: People['ada']): Live
  /** Ada's chat: two events. */
  newChat(): Promise<string>
  post(chatId: string, content: string): Promise<unknown>
  /** So many messages: '0', '1', … in any order. */
  postAll(chatId: string, count: number): Promise<void>
  /** What the messages of the chat say. */
  stored(chatId: string): Promise<string[]>
  /** Closes every client, and mends the line. */
  calm(): void
  close(): Promise<void>
}

export async function openLiveGround(open: TestDatabase['open'], options: TestServerOptions = {}): Promise<LiveGround> {
  const people = await openPeople(open, { ...options, env: { LIMIT_FRAMES_PER_SECOND: '10000' } })
  const line = await openLine(people.server.url)
  const opened: Live[] = []
  const post: LiveGround['post'] = (chatId, content) => people.ada.send(`/api/chats/${chatId}/messages`, { content })
  return {
    people,
    line,
    post,
    connect(options = {}, person = people.ada) {
      const live = openLive(line.url, { token: person.access_token, delay: () => 1, ...options })
      opened.push(live)
      return live
    },
    async newChat() {
      const { data } = await people.ada.client.api.chats.post({ title: 'Trip' })
      if (data === null) throw new Error('no chat')
      return data.id
    },
    async postAll(chatId, count) {
      for (let from = 0; from < count; from += 50) {
        const contents = numbers(from, Math.min(from + 50, count) - 1)
        await Promise.all(contents.map((number) => post(chatId, String(number))))
      }
    },
    async stored(chatId) {
      const { data } = await people.ada.client.api.chats({ chat_id: chatId }).messages.get({ query: { limit: 100 } })
      return data?.items.map(({ content }) => content) ?? []
    },
    calm() {
      for (const live of opened.splice(0)) live.close()
      line.mend()
    },
    async close() {
      line.close()
      await people.close()
    },
  }
}
