import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import fc from 'fast-check'
import { ChatEvent } from '../../../src/contract/events.ts'
import { chatChannel, eventText } from '../../../src/domain/chats/log.ts'
import { type ChatWorld, chatWorld, newActor } from '../../support/chats.ts'
import { testDatabases } from '../../support/database.ts'
import { RecordingBus } from '../../support/recording-bus.ts'
import { type Actors, type Call, callOf, type Draw, draw, perform } from './model/calls.ts'
import { ChatModel } from './model/chat-model.ts'
import { expectFreshReadEquals } from './model/fresh-read.ts'
import { predict } from './model/predict.ts'

setDefaultTimeout(600_000)

/** `NUM_RUNS=5000 bun test …` looks longer. A failure prints its seed: `SEED=…` starts with the same draws. */
const RUNS = Number(process.env['NUM_RUNS'] ?? 60)
const SEED = process.env['SEED']

type Run = { world: ChatWorld; bus: RecordingBus; actors: Actors; foreign: string; chatId: string }

/** What the log has that the model has not: checked against it and taken over. */
async function takeOver(model: ChatModel, { world, chatId }: Run): Promise<ChatEvent[]> {
  const { events, complete } = await world.log.read(chatId, model.events.length, 1000)
  expect(complete).toBe(true)
  return events.map((event) => model.apply(event))
}

/** By what was told: what a message said that is deleted by now is in the log no more. */
function expectTokens(told: readonly string[], call: Call, refused: boolean): void {
  const { token } = call
  if (token === undefined) return
  const written = told.filter((text) => text.includes(token))
  expect(written).toHaveLength(refused ? 0 : 1)
}

/** One call with nothing beside it: all that it does is known beforehand. */
class Alone implements fc.AsyncCommand<ChatModel, Run> {
  readonly #drawn: Draw

  constructor(drawn: Draw) {
    this.#drawn = drawn
  }

  check = () => true

  async run(model: ChatModel, run: Run): Promise<void> {
    const call = callOf(model, run.actors, run.foreign, this.#drawn)
    const predicted = predict(model, call)
    const before = run.bus.published(chatChannel(run.chatId)).length
    const { refused, messageId } = await perform(run.world, run.chatId, call)
    const events = await takeOver(model, run)
    expect(refused ?? events.map(({ type }) => type)).toEqual(predicted)
    if (refused !== undefined) expect(events).toEqual([])
    if ('clientId' in call && call.clientId !== undefined && messageId !== undefined) {
      expect(messageId).toBe(model.said.get(call.clientId)?.id ?? '')
    }
    expectTokens(run.bus.published(chatChannel(run.chatId)).slice(before), call, refused !== undefined)
  }

  toString = () => `Alone(${fc.stringify(this.#drawn)})`
}

/** Calls at once: in which order they come is open, but each is done whole or refused without a trace. */
class Together implements fc.AsyncCommand<ChatModel, Run> {
  readonly #drawn: readonly Draw[]

  constructor(drawn: readonly Draw[]) {
    this.#drawn = drawn
  }

  check = () => true

  async run(model: ChatModel, run: Run): Promise<void> {
    const calls = this.#drawn.map((drawn) => callOf(model, run.actors, run.foreign, drawn))
    const before = run.bus.published(chatChannel(run.chatId)).length
    const outcomes = await Promise.all(calls.map((call) => perform(run.world, run.chatId, call)))
    await takeOver(model, run)
    const told = run.bus.published(chatChannel(run.chatId)).slice(before)
    for (const [index, call] of calls.entries()) {
      const { refused, messageId } = outcomes[index] ?? {}
      expectTokens(told, call, refused !== undefined)
      if (messageId === undefined) continue
      expect(Object.keys(model.state.messages)).toContain(messageId)
      if ('clientId' in call && call.clientId !== undefined) {
        expect(messageId).toBe(model.said.get(call.clientId)?.id ?? '')
      }
    }
  }

  toString = () => `Together(${fc.stringify(this.#drawn)})`
}

for (const { kind, open } of testDatabases()) {
  describe(`the log of a chat on ${kind}`, () => {
    const bus = new RecordingBus()
    let world: ChatWorld
    let actors: Actors
    let foreign: string
    beforeAll(async () => {
      world = await chatWorld(await open(), bus)
      const { database } = world
      const [owner, stranger, admin] = await Promise.all([
        newActor(database),
        newActor(database),
        newActor(database, 'admin'),
      ])
      actors = { owner, stranger, admin, service: { kind: 'service' } }
      foreign = await foreignId()
    })
    afterAll(() => world.database.close())

    /** The id of a chat, a branch and a message at once, of somebody else. */
    async function foreignId(): Promise<string> {
      const { id } = await world.chats.create(actors.stranger, { title: 'Elsewhere' })
      const message = await world.messages.post(actors.stranger, id, { content: 'foreign' })
      await world.database.sql`UPDATE messages SET id = ${id} WHERE id = ${message.id}`
      return id
    }

    async function begin(): Promise<{ model: ChatModel; real: Run }> {
      const { id: chatId } = await world.chats.create(actors.owner, { title: 'Model', metadata: { from: 'test' } })
      const real = { world, bus, actors, foreign, chatId }
      const model = new ChatModel()
      await takeOver(model, real)
      return { model, real }
    }

    const commands = fc.commands(
      [
        draw.map((drawn) => new Alone(drawn)),
        fc.array(draw, { minLength: 2, maxLength: 8 }).map((all) => new Together(all)),
      ],
      { maxCommands: 40, size: 'max' },
    )
    const limits = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 4 })

    test(`makes the same state as a fresh read, whatever happened: ${RUNS} runs at random`, async () => {
      const property = fc.asyncProperty(commands, limits, async (run, pageLimits) => {
        const { model, real } = await begin()
        await fc.asyncModelRun(async () => ({ model, real }), run)
        await world.chats.restore(actors.owner, real.chatId)
        await takeOver(model, real)
        await expectFreshReadEquals(world, actors, model, pageLimits)
        await expectToldOnce(real.chatId)
      })
      await fc.assert(property, { numRuns: RUNS, ...(SEED === undefined ? {} : { seed: Number(SEED) }) })
    })

    /** The bus was told every event once, with the very text that the log has. */
    async function expectToldOnce(chatId: string): Promise<void> {
      const { events } = await world.log.read(chatId, 0, 10_000)
      const told = bus.published(chatChannel(chatId)).map((payload) => {
        const space = payload.indexOf(' ')
        return { seq: Number(payload.slice(0, space)), event: ChatEvent.parse(JSON.parse(payload.slice(space))) }
      })
      told.sort((one, other) => one.seq - other.seq)
      const logged = events.map((event) => ({ seq: event.seq, event: ChatEvent.parse(JSON.parse(eventText(event))) }))
      expect(withoutDeleted(told)).toEqual(logged)
    }
  })
}

/** As the log has them by now: what a deleted message said has left it, and what was attached and is no more. */
function withoutDeleted(told: { seq: number; event: ChatEvent }[]): { seq: number; event: ChatEvent }[] {
  const deleted = new Set(told.flatMap(({ event }) => (event.type === 'message.deleted' ? event.data.message_id : [])))
  const removed = new Set(
    told.flatMap(({ event }) => (event.type === 'attachment.removed' ? event.data.attachment_id : [])),
  )
  return told.map(({ seq, event }) => {
    if (event.type === 'attachment.added') {
      const { message_id, attachment } = event.data
      if (!(deleted.has(message_id) || removed.has(attachment.id))) return { seq, event }
      const left = { ...attachment, url: '', name: '', type: null, size: null }
      return { seq, event: { ...event, data: { message_id, attachment: left } } }
    }
    if (event.type === 'message.created' && deleted.has(event.data.id)) {
      return { seq, event: { ...event, data: { ...event.data, content: '', metadata: {} } } }
    }
    if (event.type === 'message.edited' && deleted.has(event.data.message_id)) {
      return { seq, event: { ...event, data: { ...event.data, content: '' } } }
    }
    return { seq, event }
  })
}
