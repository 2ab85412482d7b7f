import { EventPage } from '../../../src/contract/chat-calls.ts'
import { Watching } from '../../../src/contract/live.ts'
import type { Client } from '../rig/client.ts'
import { LiveReader } from '../rig/live-reader.ts'

/** A chat of which the log has nothing up to `forgotten`, and all from there up to `last`. */
export type Part = { chatId: string; forgotten: number; last: number }

/** How a reader that comes back with this cursor is told of the chat, by every door; what is wrong, a line each. */
export async function cursorFaults(
  client: Client,
  { chatId, forgotten, last }: Part,
  after: number,
): Promise<string[]> {
  const whole = after >= forgotten
  const faults: string[] = []
  const expect = (holds: boolean, fault: string) =>
    holds || faults.push(`after ${after} of ${forgotten}..${last}: ${fault}`)

  const { answer } = await client.ask({ path: `/api/chats/${chatId}/events?after=${after}&limit=1000` })
  const page = EventPage.parse(answer)
  expect(page.complete === whole, `a page said complete: ${page.complete}`)
  expect(!whole || page.events.length === last - after, `a page had ${page.events.length} events`)

  const started = await firstOfStream(client, `/api/chats/${chatId}/events?after=${after}`)
  expect(started.recovered === whole, `a stream said recovered: ${started.recovered}`)
  expect(whole || started.snapshot?.chat.last_seq === last, 'a stream began without a snapshot')

  const reader = new LiveReader({ client, chatId, after })
  await client.deployment.within(reader.watches())
  expect(reader.snapshots === (whole ? 0 : 1), `a socket gave ${reader.snapshots} snapshots`)
  expect(whole || reader.snapshot?.chat.last_seq === last, 'a snapshot is not of the newest event')
  await client.deployment.within(reader.reaches(last))
  reader.end()
  expect(!whole || reader.seen.length === last - after, `a socket told of ${reader.seen.length} events`)
  return [...faults, ...reader.faults]
}

async function firstOfStream(client: Client, path: string): Promise<Watching> {
  const ended = new AbortController()
  const response = await fetch(`${await client.deployment.address()}${path}`, {
    headers: { ...client.headers, accept: 'text/event-stream' },
    signal: ended.signal,
  })
  let text = ''
  try {
    const decoder = new TextDecoder()
    for await (const bytes of response.body ?? []) {
      text += decoder.decode(bytes, { stream: true })
      const [, frame] = /^data: (.*)\n\n/m.exec(text) ?? []
      if (frame !== undefined) return Watching.parse(JSON.parse(frame))
    }
  } finally {
    ended.abort()
  }
  throw new Error(`${path} ended: ${text}`)
}
