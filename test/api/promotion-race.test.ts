import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { SessionServerFrame } from '../../src/contract/sessions.ts'
import { refusalOf } from '../support/people.ts'
import {
  chatOf,
  conversation,
  type PromotionWorld,
  promote,
  promotionWorlds,
  readChat,
  say,
  watch,
} from '../support/promotion.ts'
import type { TestSocket } from '../support/socket.ts'

setDefaultTimeout(60_000)

const POSTS = 200

/** What a watcher is told until the session is a chat: each message, then that. */
async function watched(socket: TestSocket) {
  const contents: string[] = []
  while (true) {
    const frame = SessionServerFrame.parse(await socket.next())
    switch (frame.type) {
      case 'session.sync':
        expect(contents).toEqual([])
        contents.push(...frame.session.messages.map(({ content }) => content))
        break
      case 'message.created':
        contents.push(frame.message.content)
        break
      case 'session.promoted':
        return { contents, chat_id: frame.chat_id, seq: frame.seq }
      default:
        throw new Error(`unexpected ${frame.type}`)
    }
  }
}

for (const { name, open } of promotionWorlds) {
  describe(`while others post, on ${name}`, () => {
    let world: PromotionWorld
    beforeAll(async () => {
      world = await open()
    })
    afterAll(() => world.close())

    test.each([0, 20, 100])(
      'a session promoted twice at once becomes one chat with every post that was taken (after %i posts)',
      async (early) => {
        const { here, there, ada } = world
        const session = `race-${early}`
        await say(here, session, 'first')
        const sockets = [watch(here, session), watch(there, session)]
        const seen = sockets.map(watched)

        const enough = Promise.withResolvers<void>()
        if (early === 0) enough.resolve()
        let taken = 0
        const posting = Array.from({ length: POSTS }, async (_, index) => {
          const content = `message ${index}`
          const answer = await say(index % 2 === 0 ? here : there, session, content)
          taken += 1
          if (taken === early) enough.resolve()
          return { content, answer }
        })
        await enough.promise
        const promoting = [promote(here, ada, session), promote(there, ada, session)]
        // A late watcher joins while it happens.
        const joined = watch(there, session)
        seen.push(watched(joined))

        const answers = await Promise.all(promoting)
        expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 201])
        const [chat, same] = await Promise.all(answers.map((answer) => chatOf(answer, answer.status)))
        expect(same).toEqual(chat)
        if (chat === undefined) throw new Error('There is no chat.')

        const stored: string[] = []
        for (const { content, answer } of await Promise.all(posting)) {
          if (answer.status === 201) stored.push(content)
          else expect(await refusalOf(answer)).toEqual({ status: 409, reason: 'session_promoted' })
        }
        const { messages } = await readChat(ada, chat.id)
        const contents = messages.map(({ content }) => content)
        expect(contents[0]).toBe('first')
        expect(contents.slice(1).toSorted()).toEqual(stored.toSorted())
        const kept = await conversation(there, session)
        expect(messages.map(({ id, created_at }) => [id, created_at])).toEqual(
          kept.map(({ id, created_at }) => [id, created_at]),
        )
        for (const one of await Promise.all(seen)) {
          expect(one).toEqual({ contents, chat_id: chat.id, seq: chat.last_seq })
        }
        await Promise.all([...sockets, joined].map((socket) => socket.close()))
      },
    )

    test('and two accounts promote it at once, one of them has it', async () => {
      const { here, there, ada, bob } = world
      await say(here, 'both', 'hello')
      const answers = await Promise.all([promote(here, ada, 'both'), promote(there, bob, 'both')])
      expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409])
      const owners = [ada, bob]
      for (const [index, answer] of answers.entries()) {
        if (answer.status === 201) expect((await chatOf(answer, 201)).user_id).toBe(owners[index]?.user.id ?? '')
        else expect(await refusalOf(answer)).toEqual({ status: 409, reason: 'session_promoted' })
      }
    })
  })
}
