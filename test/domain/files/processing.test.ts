import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { EventPage } from '../../../src/contract/chat-calls.ts'
import { applyEvent, NO_CHAT } from '../../../src/contract/chat-state.ts'
import { Chat, Message } from '../../../src/contract/chats.ts'
import { FileWithContent, type StoredFile } from '../../../src/contract/files.ts'
import { type Extracted, ExtractionFault, type Extractor } from '../../../src/domain/ports.ts'
import { MemoryBlobs } from '../../support/blobs.ts'
import { testDatabases } from '../../support/database.ts'
import { PNG, upload } from '../../support/files.ts'
import { openPeople, type People } from '../../support/people.ts'
import { until } from '../../support/wait.ts'

setDefaultTimeout(60_000)

/** Makes of each file what its name is told to give. */
class ScriptedExtractor implements Extractor {
  readonly outcomes = new Map<string, () => Promise<Extracted>>()
  tries = 0

  async extract(file: { name: string }): Promise<Extracted> {
    this.tries += 1
    return (this.outcomes.get(file.name) ?? (async () => read(`text of ${file.name}`)))()
  }
}

const read = (content: string | null, preview?: Uint8Array): Extracted => ({
  failed: false,
  content,
  reason: null,
  preview,
})

for (const { kind, open } of testDatabases()) {
  describe(`files that are read in the background on ${kind}`, () => {
    const blobs = new MemoryBlobs()
    const extractor = new ScriptedExtractor()
    const sent: string[] = []
    const jobs = {
      async send(queue: string, data: Readonly<Record<string, string>>) {
        sent.push(`${queue} ${data['file_id']}`)
      },
    }
    let people: People
    beforeAll(async () => {
      people = await openPeople(open, { blobs, extractor, jobs })
    })
    afterAll(() => people.close())

    const process = (file: StoredFile, signal = new AbortController().signal) =>
      people.server.files.processor.process(file.id, signal)
    const known = async ({ id }: StoredFile) =>
      FileWithContent.parse(await (await people.ada.call(`/api/files/${id}`)).json())
    const makeMessage = async (file_ids: string[]) => {
      const { ada } = people
      const chat = Chat.parse(await (await ada.send('/api/chats', { title: 'Talk' })).json())
      const answer = await ada.send(`/api/chats/${chat.id}/messages`, { content: 'See', file_ids })
      return Message.parse(await answer.json())
    }
    const replayed = async ({ chat_id, id }: Message) => {
      const { events } = EventPage.parse(await (await people.ada.call(`/api/chats/${chat_id}/events?after=0`)).json())
      return { events, message: events.reduce(applyEvent, NO_CHAT).messages[id] }
    }
    const fresh = async ({ chat_id, id }: Message) =>
      Message.parse(await (await people.ada.call(`/api/chats/${chat_id}/messages/${id}`)).json())

    test('an upload makes a job; the file is ready with its text and preview', async () => {
      const { ada } = people
      extractor.outcomes.set('photo.png', async () => read(null, PNG))
      const [text, photo] = [
        await upload(ada, 'notes.txt', 'words'),
        await upload(ada, 'photo.png', new Uint8Array(PNG)),
      ]
      expect(sent).toEqual(expect.arrayContaining([`file ${text.id}`, `file ${photo.id}`]))
      await process(text)
      await process(photo)
      expect(await known(text)).toMatchObject({ state: 'ready', content: 'text of notes.txt', preview_url: null })
      const preview_url = `/api/files/${photo.id}/preview`
      expect(await known(photo)).toMatchObject({ state: 'ready', content: null, preview_url })
      const preview = await ada.call(preview_url)
      expect(preview.headers.get('content-type')).toBe('image/webp')
      expect(Buffer.from(await preview.bytes())).toEqual(PNG)
      const known304 = await ada.call(preview_url, { headers: { 'if-none-match': preview.headers.get('etag') ?? '' } })
      expect(known304.status).toBe(304)
    })

    test('a job that is done again changes nothing and tells nothing twice', async () => {
      const file = await upload(people.ada, 'again.txt', 'words')
      const message = await makeMessage([file.id])
      await process(file)
      const before = await known(file)
      extractor.outcomes.set('again.txt', async () => read('something else'))
      await Promise.all([process(file), process(file)])
      expect(await known(file)).toEqual(before)
      const { events } = await replayed(message)
      expect(events.filter(({ type }) => type === 'file.processed')).toHaveLength(1)
    })

    test('two processes that read a file at once leave its preview where it is', async () => {
      const { ada, database, server } = people
      const { promise, resolve } = Promise.withResolvers<void>()
      let tries = 0
      extractor.outcomes.set('twice.png', async () => {
        tries += 1
        // The first one is slower than the second.
        if (tries === 1) await promise
        return read(null, PNG)
      })
      const file = await upload(ada, 'twice.png', new Uint8Array(PNG))
      const slow = process(file)
      await until(() => tries === 1)
      await process(file)
      resolve()
      await slow
      await database.sql`UPDATE blob_removals SET due_at = now() - interval '1 second'`
      await server.files.removal.run()
      const preview = await ada.call(`/api/files/${file.id}/preview`)
      expect([preview.status, Buffer.from(await preview.bytes())]).toEqual([200, PNG])
    })

    test('chats that show the file are told, whether it was posted before or after; replaying gives what a read gives', async () => {
      extractor.outcomes.set('shown.png', async () => read(null, PNG))
      const file = await upload(people.ada, 'shown.png', new Uint8Array(PNG))
      const before = await makeMessage([file.id])
      expect(before.files).toEqual([{ id: file.id, name: 'shown.png', file_type: 'image' }])
      await process(file)
      const after = await makeMessage([file.id])
      const preview_url = `/api/files/${file.id}/preview`
      for (const message of [before, after]) {
        const now = await fresh(message)
        expect(now.files).toEqual([{ id: file.id, name: 'shown.png', file_type: 'image', preview_url }])
        expect((await replayed(message)).message).toEqual(now)
      }
    })

    test('a file of which nothing can be made fails at once, with a reason', async () => {
      const reason = 'The PDF is protected by a password.'
      extractor.outcomes.set('locked.pdf', async () => ({ failed: true, content: null, reason, preview: undefined }))
      const file = await upload(people.ada, 'locked.pdf', 'locked')
      expect(await process(file)).toBeUndefined()
      expect(await known(file)).toMatchObject({ state: 'failed', reason })
    })

    test('a poison file fails after five tries with a reason that a person can read, and its chats are told', async () => {
      extractor.outcomes.set('poison.pdf', async () => {
        throw new ExtractionFault('Reading the file takes longer than it may.')
      })
      const file = await upload(people.ada, 'poison.pdf', 'poison')
      const message = await makeMessage([file.id])
      for (let time = 1; time < 5; time += 1) await expect(process(file)).rejects.toThrow(ExtractionFault)
      expect(await known(file)).toMatchObject({ state: 'processing', reason: null })
      const reason = 'Reading the file takes longer than it may.'
      expect(await process(file)).toEqual({ dead: reason })
      expect(await known(file)).toMatchObject({ state: 'failed', reason })
      const { events } = await replayed(message)
      expect(events.at(-1)).toMatchObject({
        type: 'file.processed',
        data: { state: 'failed', reason, preview_url: null },
      })
    })

    test('a try that its process did not outlive is not the file’s fault', async () => {
      extractor.outcomes.set('ended.pdf', () => Promise.reject(new Error('ended')))
      const file = await upload(people.ada, 'ended.pdf', 'ended')
      for (let time = 1; time <= 7; time += 1) await expect(process(file, AbortSignal.abort())).rejects.toThrow('ended')
      extractor.outcomes.delete('ended.pdf')
      await process(file)
      expect(await known(file)).toMatchObject({ state: 'ready', content: 'text of ended.pdf' })
    })

    test('a file that is deleted while it is read leaves no preview behind', async () => {
      const file = await upload(people.ada, 'deleted.png', new Uint8Array(PNG))
      extractor.outcomes.set('deleted.png', async () => {
        await people.ada.call(`/api/files/${file.id}`, { method: 'DELETE' })
        return read(null, PNG)
      })
      await process(file)
      await people.server.files.removal.run()
      expect([...blobs.blobs.keys()].filter((name) => name.startsWith(file.id))).toEqual([])
      expect(await people.database.sql`SELECT FROM blob_removals`).toHaveLength(0)
    })

    test('a file whose job was lost is found', async () => {
      const file = await upload(people.ada, 'lost.txt', 'lost')
      expect(await people.server.files.processing.waiting(300, 10)).not.toContain(file.id)
      await people.database.sql`UPDATE files SET updated_at = now() - interval '6 minutes' WHERE id = ${file.id}`
      expect(await people.server.files.processing.waiting(300, 10)).toEqual([file.id])
    })
  })
}
