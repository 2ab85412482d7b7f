import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { DefaultChatTransport, readUIMessageStream, type UIMessage } from 'ai'
import fc from 'fast-check'
import { UiMessage } from '../../src/api/ui-message.ts'
import type { UiChunk } from '../../src/contract/ui-stream.ts'
import type { AnswerEnded } from '../../src/domain/answers/client-turns.ts'

setDefaultTimeout(60_000)

const ID = '0198f3a1-77d2-7c10-8a55-6b1f0e2d4c3a'
const completed = (content: string) => ({ status: 'completed' as const, content, sources: [], error: null })

const whole = (ended: AnswerEnded) => {
  const ui = new UiMessage(ID)
  return [...ui.begin(), ...ui.ends(ended)]
}

/** What the AI SDK makes of the chunks, and the error that it was told. */
async function readBySdk(chunks: UiChunk[]): Promise<{ message: UIMessage | undefined; error: string | undefined }> {
  const body = [...chunks.map((chunk) => JSON.stringify(chunk)), '[DONE]'].map((data) => `data: ${data}\n\n`).join('')
  const fetch = Object.assign(async () => new Response(body), { preconnect() {} })
  const transport = new DefaultChatTransport<UIMessage>({ api: 'http://localhost/chat', fetch })
  const stream = await transport.sendMessages({
    chatId: 'chat',
    messages: [],
    trigger: 'submit-message',
    messageId: undefined,
    abortSignal: undefined,
  })
  let message: UIMessage | undefined
  let error: string | undefined
  const onError = (thrown: unknown) => {
    error = thrown instanceof Error ? thrown.message : String(thrown)
  }
  for await (const state of readUIMessageStream({ stream, onError })) message = state
  return { message, error }
}

const textOf = (message: UIMessage | undefined) =>
  message?.parts.map((part) => (part.type === 'text' ? part.text : '')).join('')

describe('an answer as a UI message, read by the AI SDK', () => {
  test('says all that was told, under its own id', async () => {
    const ui = new UiMessage(ID)
    const chunks = [...ui.begin(), ...ui.says('Hello'), ...ui.says(' there.')]
    const { message } = await readBySdk([...chunks, ...ui.ends(completed('Hello there.'))])
    expect(message).toMatchObject({
      id: ID,
      role: 'assistant',
      parts: [{ type: 'step-start' }, { type: 'text', text: 'Hello there.', state: 'done' }],
    })
  })

  test('cites its sources: pages by their URL, the others by their title', async () => {
    const sources = [
      { id: 'a', title: 'A page', url: 'https://example.com/a' },
      { id: 'b', title: 'A book' },
    ]
    const { message } = await readBySdk(whole({ ...completed('See.'), sources }))
    expect(message?.parts.slice(2)).toEqual([
      { type: 'source-url', sourceId: 'a', url: 'https://example.com/a', title: 'A page' },
      { type: 'source-document', sourceId: 'b', mediaType: 'text/plain', title: 'A book' },
    ])
  })

  test('that failed says what it said, and why', async () => {
    const ui = new UiMessage(ID)
    const ended = { status: 'failed' as const, content: 'And so', sources: [], error: 'The AI service is busy.' }
    const { message, error } = await readBySdk([...ui.begin(), ...ui.says('And so'), ...ui.ends(ended)])
    expect([textOf(message), error]).toEqual(['And so', 'The AI service is busy.'])
  })

  test('that was stopped says what it said', async () => {
    const chunks = whole({ ...completed('And so'), status: 'stopped' })
    const { message, error } = await readBySdk(chunks)
    expect([textOf(message), error]).toEqual(['And so', undefined])
    expect(chunks.at(-1)).toEqual({ type: 'finish', finishReason: 'interrupted' })
  })

  test('that says nothing is an empty message', async () => {
    const { message } = await readBySdk(whole({ ...completed(''), status: 'stopped' }))
    expect([message?.id, textOf(message)]).toEqual([ID, ''])
  })

  test('that became another is told anew', async () => {
    const ui = new UiMessage(ID)
    const chunks = [...ui.begin(), ...ui.says('Wrong'), ...ui.ends(completed('Right.'))]
    expect(textOf((await readBySdk(chunks)).message)).toBe('Right.')
  })

  test('is the same whatever part of it was told before its end, cut within a character or not', async () => {
    const cuts = fc.array(fc.nat(40), { maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', maxLength: 30 }), cuts, async (text, steps) => {
        const ui = new UiMessage(ID)
        const chunks = ui.begin()
        let told = 0
        for (const cut of steps.toSorted((a, b) => a - b)) {
          chunks.push(...ui.says(text.slice(told, cut)))
          told = Math.max(told, Math.min(cut, text.length))
        }
        const { message, error } = await readBySdk([...chunks, ...ui.ends(completed(text))])
        expect([textOf(message), error]).toEqual([text, undefined])
      }),
      { numRuns: 300 },
    )
  })
})
