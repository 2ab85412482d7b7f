import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { AnswerFault } from '../../src/domain/answers/answer-fault.ts'
import { ChatCompletions, collect, DONE, ends, event, request, says, stream } from '../support/chat-completions.ts'

setDefaultTimeout(60_000)

const WHOLE = [says('Hello'), says(' there.'), ends('stop'), DONE]

describe('a model that may ask for a person', () => {
  const call = (...pieces: object[]) =>
    pieces.map((said, at) =>
      event({
        choices: [
          { index: 0, delta: { tool_calls: [{ index: 0, ...(at === 0 ? { id: 'call_1' } : {}), function: said }] } },
        ],
      }),
    )
  const ask = (given: string) => [
    ...call(
      { name: 'ask_for_a_person', arguments: '' },
      ...given.split(/(?<=\W)/).map((piece) => ({ arguments: piece })),
    ),
    ends('tool_calls'),
    event({ choices: [], usage: { prompt_tokens: 12, completion_tokens: 3 } }),
    DONE,
  ]
  const usage = { type: 'usage' as const, usage: { input_tokens: 12, output_tokens: 3 } }
  const answered = async (pieces: string[], fields: Parameters<typeof request>[0] = {}) => {
    await using service = new ChatCompletions(() => stream(...pieces))
    return await collect(service.answerer().answer(request({ mayAskForPerson: true, ...fields })))
  }

  test('is told of the tool, and no other is', async () => {
    await using service = new ChatCompletions(() => stream(...WHOLE))
    const answerer = service.answerer()
    for (const mayAskForPerson of [true, false]) {
      expect((await collect(answerer.answer(request({ mayAskForPerson })))).text).toBe('Hello there.')
    }
    const [offered, plain] = service.asked.map(({ body }) => body)
    expect(offered).toMatchObject({ tools: [{ type: 'function', function: { name: 'ask_for_a_person' } }] })
    expect(plain).not.toHaveProperty('tools')
  })

  test('does so by calling it, in pieces, after what it says', async () => {
    const { parts, fault } = await answered([says('One moment.'), ...ask('{"message": "A person comes."}')])
    expect(fault).toBeUndefined()
    expect(parts).toEqual([{ type: 'text', text: 'One moment.' }, usage, { type: 'person' }])
  })

  test.each([
    ['what it gives the tool to say', '{"message": "A person will “go on”."}', '', 'A person will “go on”.'],
    ['the same behind what it had said', '{"message": "A person comes."}', 'So far', '\n\nA person comes.'],
    ['nothing, where it gives nothing', '{}', '', ''],
    ['nothing, where that cannot be read', '{"message": "A per', '', ''],
  ])('and says %s', async (_, given, begun, text) => {
    const { parts, fault, text: said } = await answered(ask(given), { begun })
    expect({ fault, said }).toEqual({ fault: undefined, said: text })
    expect(parts.at(-1)).toEqual({ type: 'person' })
  })

  test('is heard where a service tells a call at once, with the name in every piece, or ends it as any answer', async () => {
    const name = 'ask_for_a_person'
    const whole = call({ name, arguments: '{"message":' }, { name, arguments: '"Here."}' })
    for (const finish of ['stop', 'tool_calls']) {
      expect((await answered([...whole, ends(finish), DONE])).parts).toEqual([
        { type: 'text', text: 'Here.' },
        { type: 'person' },
      ])
    }
  })

  test('is not, where it was not told, calls something else, or is cut off', async () => {
    for (const [pieces, fields, said] of [
      [ask('{}'), { mayAskForPerson: false }, 'asked for a tool'],
      [[...call({ name: 'delete_everything', arguments: '{}' }), ends('tool_calls'), DONE], {}, 'asked for a tool'],
      [call({ name: 'ask_for_a_person', arguments: '' }), {}, 'broke off'],
    ] as const) {
      const answer = await answered([...pieces], fields)
      expect(answer.parts.some(({ type }) => type === 'person')).toBe(false)
      expect(answer.fault).toBeInstanceOf(AnswerFault)
      expect(String(answer.fault)).toContain(said)
    }
  })

  test('without tools at all answers without them, from then on', async () => {
    const refusal = { error: { message: 'registry.ollama.ai/library/small does not support tools', type: 'api_error' } }
    await using service = new ChatCompletions(async (asked) =>
      'tools' in Object(await asked.json()) ? Response.json(refusal, { status: 400 }) : stream(...WHOLE),
    )
    const answerer = service.answerer()
    for (let round = 0; round < 2; round += 1) {
      const { text, fault } = await collect(answerer.answer(request({ mayAskForPerson: true })))
      expect({ text, fault }).toEqual({ text: 'Hello there.', fault: undefined })
    }
    expect(service.asked.map(({ body }) => 'tools' in Object(body))).toEqual([true, false, false])
  })

  test('is told of the tool again where the refusal was about something else', async () => {
    const refusal = { error: { message: 'Too long: 9000 tokens in the messages and the tools.', type: 'invalid' } }
    await using service = new ChatCompletions(() => Response.json(refusal, { status: 400 }))
    const answerer = service.answerer()
    for (let round = 0; round < 2; round += 1) {
      const { fault } = await collect(answerer.answer(request({ mayAskForPerson: true })))
      expect(String(fault)).toContain('too long')
    }
    expect(service.asked.map(({ body }) => 'tools' in Object(body))).toEqual([true, false, true, false])
  })
})
