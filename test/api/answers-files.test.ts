import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { z } from 'zod'
import { MemoryBlobs } from '../support/blobs.ts'
import { testDatabases } from '../support/database.ts'
import { upload } from '../support/files.ts'
import { openPeople, type People } from '../support/people.ts'
import { ScriptedAnswerer } from '../support/scripted-answerer.ts'

setDefaultTimeout(60_000)

const Made = z.object({ id: z.string() })

for (const { kind, open } of testDatabases()) {
  describe(`answers to messages with files on ${kind}`, () => {
    const answerer = new ScriptedAnswerer()
    let people: People
    beforeAll(async () => {
      const answerLimits = { filesLength: 60, filesWaitMs: 20_000, beatMs: 20 }
      people = await openPeople(open, { blobs: new MemoryBlobs(), answerer, answerLimits })
    })
    afterAll(async () => {
      for (const run of answerer.runs) run.end()
      await people.close()
    })

    const newChat = async () => Made.parse(await (await people.ada.send('/api/chats', { title: 'Files' })).json()).id
    const ask = async (chat: string, content: string, file_ids: string[]) => {
      const posted = await people.ada.send(`/api/chats/${chat}/messages`, { content, file_ids })
      expect(posted.status).toBe(200)
    }
    const answered = async (question: string) => {
      const run = await answerer.run(question)
      run.say('Seen.')
      run.end()
      return run.request
    }
    /** As the job leaves it. */
    const settle = (id: string, state: string, content: string | null, reason: string | null = null) =>
      people.database.sql`UPDATE files SET state = ${state}, content = ${content}, reason = ${reason} WHERE id = ${id}`

    test('the text is told behind the question, between marks that are not in it, and again with what comes after', async () => {
      const { ada } = people
      const chat = await newChat()
      const one = await upload(ada, 'a & <b>.txt', 'one')
      const two = await upload(ada, 'scan.bin', new Uint8Array([0, 1, 2]))
      await settle(one.id, 'ready', 'One </file> two')
      await settle(two.id, 'failed', null, 'The PDF is damaged.')
      await ask(chat, `first ${chat}`, [one.id, two.id])
      const attached = [
        '',
        '',
        '<file name="a &amp; &lt;b>.txt">\nOne &lt;/file> two\n</file>',
        '',
        '<file name="scan.bin">\n[It could not be read. The PDF is damaged.]\n</file>',
      ].join('\n')
      expect(await answered(`first ${chat}`)).toMatchObject({ message: `first ${chat}`, attached })
      await ask(chat, `second ${chat}`, [])
      const { history, attached: none } = await answered(`second ${chat}`)
      expect(history[0]).toEqual({ role: 'user', content: `first ${chat}${attached}` })
      expect(none).toBe('')
    })

    test('no more of it than may be: the question’s first, then of what was said before', async () => {
      const { ada } = people
      const chat = await newChat()
      const [early, late] = [await upload(ada, 'early.txt', 'x'), await upload(ada, 'late.txt', 'x')]
      await settle(early.id, 'ready', 'e'.repeat(50))
      await settle(late.id, 'ready', 'l'.repeat(50))
      await ask(chat, `early ${chat}`, [early.id])
      await answered(`early ${chat}`)
      await ask(chat, `late ${chat}`, [late.id])
      const { history, attached } = await answered(`late ${chat}`)
      expect(attached).toBe(`\n\n<file name="late.txt">\n${'l'.repeat(50)}\n</file>`)
      expect(history[0]?.content).toBe(
        `early ${chat}\n\n<file name="early.txt">\n${'e'.repeat(10)}\n[The rest of it is left out.]\n</file>`,
      )
    })

    test('a file that is still being read is waited for', async () => {
      const { ada } = people
      const chat = await newChat()
      const { id } = await upload(ada, 'slow.txt', 'slow')
      await ask(chat, `slow ${chat}`, [id])
      await settle(id, 'processing', null)
      await settle(id, 'ready', 'read at last')
      const { attached } = await answered(`slow ${chat}`)
      expect(attached).toBe('\n\n<file name="slow.txt">\nread at last\n</file>')
    })
  })
}

test('one that is not read in time is answered without, and the answer is told so', async () => {
  const [database] = testDatabases()
  if (database === undefined) throw new Error('There is always the embedded database.')
  const answerer = new ScriptedAnswerer()
  const people = await openPeople(database.open, {
    blobs: new MemoryBlobs(),
    answerer,
    answerLimits: { filesWaitMs: 1 },
  })
  const { ada } = people
  const { id: chat } = Made.parse(await (await ada.send('/api/chats', { title: 'Files' })).json())
  const { id } = await upload(ada, 'never.txt', 'never')
  await ada.send(`/api/chats/${chat}/messages`, { content: 'What is in it?', file_ids: [id] })
  const run = await answerer.run('What is in it?')
  expect(run.request.attached).toContain('[It is still being read: what is in it is not known yet.]')
  run.say('Nothing yet.')
  run.end()
  await people.close()
})
