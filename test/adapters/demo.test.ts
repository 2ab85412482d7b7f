import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { DemoAnswerer } from '../../src/adapters/answerers/demo.ts'
import { AnswerFault } from '../../src/domain/answers/answer-fault.ts'
import { collect, request } from '../support/chat-completions.ts'

setDefaultTimeout(60_000)

const demo = new DemoAnswerer()

describe('the demo', () => {
  test('says the same to the same question, word by word, cites a source, and counts its words', async () => {
    const { parts, text, fault } = await collect(demo.answer(request({ message: 'Shall we go?' })))
    expect(fault).toBeUndefined()
    expect(text).toContain('You said: “Shall we go?”')
    expect(parts.slice(-2)).toEqual([
      { type: 'source', source: expect.objectContaining({ url: expect.stringMatching(/^https:/) }) },
      { type: 'usage', usage: { input_tokens: 3, output_tokens: parts.length - 2 } },
    ])
    expect(await collect(demo.answer(request({ message: 'Shall we go?' })))).toEqual({ parts, text, fault })
  })

  test('cuts no character of a long question in two', async () => {
    const message = `a${'😀'.repeat(200)}`
    expect((await collect(demo.answer(request({ message })))).text).toContain(`“a${'😀'.repeat(99)}…”`)
  })

  test('goes on right after what the answer says already', async () => {
    const { text } = await collect(demo.answer(request()))
    const begun = text.slice(0, 20)
    expect((await collect(demo.answer(request({ begun })))).text).toBe(text.slice(20))
  })

  test('says much where it is asked for something long', async () => {
    const { text } = await collect(demo.answer(request({ message: 'A long story, please' })))
    expect(text.length).toBeGreaterThan(2000)
  })

  test('fails in the middle where it is told to', async () => {
    const { text, fault } = await collect(demo.answer(request({ message: 'Please fail' })))
    expect(text).not.toBe('')
    expect(fault).toEqual(new AnswerFault('The demo was told to fail.'))
  })

  test('ends soon after nobody wants the rest, however slow it is asked to be', async () => {
    const stop = new AbortController()
    const parts = demo.answer(request({ message: 'Be slow', signal: stop.signal }))
    expect(await parts.next()).toEqual({ done: false, value: { type: 'text', text: 'You ' } })
    const next = parts.next()
    stop.abort()
    expect(await next).toEqual({ done: true, value: undefined })
  })

  test('takes a word for what it is: not as a part of another', async () => {
    const { fault } = await collect(demo.answer(request({ message: 'Failures belong to slowness' })))
    expect(fault).toBeUndefined()
  })
})
