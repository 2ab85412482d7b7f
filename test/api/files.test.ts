import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { createTRPCClient, httpBatchLink } from '@trpc/client'
import type { Router } from '../../client/src/trpc.ts'
import { FileLinks, FilePage, FileWithContent, StoredFile } from '../../src/contract/files.ts'
import { MemoryBlobs } from '../support/blobs.ts'
import { testDatabases } from '../support/database.ts'
import { PNG, sendFile, sendFiles, upload } from '../support/files.ts'
import { openPeople, type People, refusalOf } from '../support/people.ts'
import { signUp } from '../support/person.ts'

setDefaultTimeout(60_000)

for (const { kind, open } of testDatabases()) {
  describe(`files on ${kind}`, () => {
    const blobs = new MemoryBlobs()
    let people: People
    beforeAll(async () => {
      people = await openPeople(open, { blobs, env: { MAX_UPLOAD_SIZE: '100000', UPLOAD_QUOTA: '250000' } })
    })
    afterAll(() => people.close())

    test('an upload is answered with the file, and comes back as it was', async () => {
      const { ada } = people
      const file = await upload(ada, 'photo.png', PNG, 'text/html')
      expect(file).toMatchObject({
        name: 'photo.png',
        original_name: 'photo.png',
        file_type: 'image',
        mime_type: 'image/png',
        size: PNG.length,
        state: 'pending',
        preview_url: null,
        sha256: new Bun.CryptoHasher('sha256').update(PNG).digest('hex'),
      })
      const download = await ada.call(`/api/files/${file.id}/download`)
      expect(Buffer.from(await download.bytes())).toEqual(PNG)
      expect(Object.fromEntries(download.headers)).toMatchObject({
        'content-type': 'image/png',
        'content-length': String(PNG.length),
        'content-disposition': `attachment; filename="photo.png"; filename*=UTF-8''photo.png`,
        'x-content-type-options': 'nosniff',
        'accept-ranges': 'bytes',
        etag: `"${file.sha256}"`,
      })
      const read = FileWithContent.parse(await (await ada.call(`/api/files/${file.id}`)).json())
      expect(read).toEqual({ ...file, content: null })
    })

    test.each([
      ['notes.txt', 'plain words', 'text', 'text/plain'],
      ['notes.md', '# Title', 'text', 'text/markdown'],
      ['table.csv', 'a,b\n1,2', 'text', 'text/csv'],
      ['data.json', '{"a":1}', 'text', 'application/json'],
      ['page.html', '<!doctype html><p>hi', 'text', 'text/html'],
      ['hidden.txt', '<!DOCTYPE html><script>alert(1)</script>', 'text', 'text/html'],
      ['drawing.svg', '<svg xmlns="http://www.w3.org/2000/svg"/>', 'image', 'image/svg+xml'],
      ['photo.jpg', PNG, 'image', 'image/png'],
      ['fake.pdf', 'no pdf at all', 'text', 'text/plain'],
      ['paper.bin', '%PDF-1.7\n%âãÏÓ\n', 'pdf', 'application/pdf'],
      ['noise.txt', Buffer.from([0, 159, 146, 150, 7, 1]), 'other', 'application/octet-stream'],
      ['no ending', 'Grüße, 世界', 'text', 'text/plain'],
    ] as const)('%s is what its content says', async (name, content, file_type, mime_type) => {
      const person = await signUp(people.server)
      const bytes = typeof content === 'string' ? content : new Uint8Array(content)
      const file = await upload(person, name, bytes, 'image/gif')
      expect(file).toMatchObject({ name, file_type, mime_type })
      const download = await person.call(`/api/files/${file.id}/download`)
      expect(download.headers.get('content-disposition')).toStartWith('attachment;')
      expect(download.headers.get('x-content-type-options')).toBe('nosniff')
      await download.body?.cancel()
    })

    test('parts of it come by range, and what is known comes not at all', async () => {
      const { ada } = people
      const { id, sha256 } = await upload(ada, 'digits.txt', '0123456789')
      const part = async (range: string, more: Record<string, string> = {}) => {
        const answer = await ada.call(`/api/files/${id}/download`, { headers: { range, ...more } })
        return [answer.status, answer.headers.get('content-range'), await answer.text()]
      }
      expect(await part('bytes=2-4')).toEqual([206, 'bytes 2-4/10', '234'])
      expect(await part('bytes=7-')).toEqual([206, 'bytes 7-9/10', '789'])
      expect(await part('bytes=-3')).toEqual([206, 'bytes 7-9/10', '789'])
      expect(await part('bytes=8-99')).toEqual([206, 'bytes 8-9/10', '89'])
      expect(await part('bytes=0-1', { 'if-range': `"${sha256}"` })).toEqual([206, 'bytes 0-1/10', '01'])
      expect(await part('bytes=0-1', { 'if-range': '"another"' })).toEqual([200, null, '0123456789'])
      expect(await part('bytes=0-1,3-4')).toEqual([200, null, '0123456789'])
      expect(await part('lines=1-2')).toEqual([200, null, '0123456789'])
      const beyond = await part('bytes=10-')
      expect(beyond.slice(0, 2)).toEqual([416, 'bytes */10'])
      const known = await ada.call(`/api/files/${id}/download`, { headers: { 'if-none-match': `"x", "${sha256}"` } })
      expect([known.status, await known.text()]).toEqual([304, ''])
    })

    test('several go together, in order; one that is bad fails all of them and is named', async () => {
      const person = await signUp(people.server)
      const answer = await sendFiles(person, { 'a.txt': 'one', 'b.txt': 'two', 'c.png': new Uint8Array(PNG) })
      expect(answer.status).toBe(201)
      expect(
        StoredFile.array()
          .parse(await answer.json())
          .map(({ name }) => name),
      ).toEqual(['a.txt', 'b.txt', 'c.png'])
      const kept = blobs.blobs.size
      const refused = await sendFiles(person, { 'd.txt': 'fine', 'big.txt': 'x'.repeat(100_001), 'e.txt': 'fine' })
      expect(refused.status).toBe(413)
      expect(await refused.json()).toEqual({
        detail: 'big.txt: File too large. Maximum size is 100000 bytes',
        reason: 'file_too_large',
      })
      const empty = await sendFiles(person, { 'f.txt': 'fine', 'empty.txt': '' })
      expect(await empty.json()).toEqual({ detail: 'empty.txt: The file is empty.', reason: 'file_empty' })
      expect(blobs.blobs.size).toBe(kept)
      expect(FilePage.parse(await (await person.call('/api/files')).json()).total).toBe(3)
      expect(await people.database.sql`SELECT FROM blob_removals`).toHaveLength(0)
    })

    test('are listed for their owner, the newest first, by pages', async () => {
      const person = await signUp(people.server)
      for (const name of ['1.txt', '2.txt', '3.txt']) await upload(person, name, name)
      const page = async (query: string) => {
        const { items, total } = FilePage.parse(await (await person.call(`/api/files${query}`)).json())
        return [items.map(({ name }) => name), total]
      }
      expect(await page('')).toEqual([['3.txt', '2.txt', '1.txt'], 3])
      expect(await page('?skip=1&limit=1')).toEqual([['2.txt'], 3])
    })

    test('are nobody else’s: to others they are not there', async () => {
      const { ada, bob } = people
      const { id } = await upload(ada, 'secret.txt', 'secret')
      for (const path of ['', '/download', '/preview', '/links']) {
        expect(await refusalOf(await bob.call(`/api/files/${id}${path}`))).toEqual({
          status: 404,
          reason: 'file_missing',
        })
      }
      expect((await bob.call(`/api/files/${id}`, { method: 'DELETE' })).status).toBe(404)
      expect((await ada.call(`/api/files/${id}`)).status).toBe(200)
    })

    test('links need no token, for their file and use alone, until they expire', async () => {
      const { ada, server } = people
      const one = await upload(ada, 'one.txt', 'one')
      const two = await upload(ada, 'two.txt', 'two')
      const links = FileLinks.parse(await (await ada.call(`/api/files/${one.id}/links`)).json())
      expect(links.preview_url).toBeNull()
      expect(await (await server.call(links.download_url)).text()).toBe('one')
      const changed = [
        links.download_url.replace(one.id, two.id),
        links.download_url.replace('/download', '/preview'),
        links.download_url.replace(/expires=\d+/, 'expires=9999999999'),
        links.download_url.replace(/signature=./, 'signature=!'),
        `/api/files/${one.id}/download`,
      ]
      for (const path of changed) expect((await server.call(path)).status).toBe(401)
    })

    test('a preview that there is none of is documented to be a 404', async () => {
      const { ada } = people
      const { id } = await upload(ada, 'plain.txt', 'text')
      const answer = await ada.call(`/api/files/${id}/preview`)
      expect([answer.status, await answer.json()]).toEqual([
        404,
        { detail: 'Preview not available', reason: 'preview_missing' },
      ])
    })

    test('a deleted file is gone with its bytes', async () => {
      const { ada } = people
      const { id } = await upload(ada, 'gone.txt', 'gone')
      expect(blobs.blobs.has(id)).toBe(true)
      expect((await ada.call(`/api/files/${id}`, { method: 'DELETE' })).status).toBe(204)
      expect((await ada.call(`/api/files/${id}`)).status).toBe(404)
      expect((await ada.call(`/api/files/${id}`, { method: 'DELETE' })).status).toBe(404)
      expect(blobs.blobs.has(id)).toBe(false)
    })

    test('an account that goes takes the bytes of its files along', async () => {
      const person = await signUp(people.server)
      const { id } = await upload(person, 'mine.txt', 'mine')
      await people.database.sql`DELETE FROM users WHERE id = ${person.user.id}`
      await people.server.files.removal.run()
      expect(blobs.blobs.has(id)).toBe(false)
      expect(await people.database.sql`SELECT FROM blob_removals`).toHaveLength(0)
    })

    test('bytes of an upload that its server did not outlive are removed later', async () => {
      const id = crypto.randomUUID()
      await blobs.write(id, new Blob(['left behind']).stream())
      await people.database.sql`INSERT INTO blob_removals (name, due_at) VALUES (${id}, now() + interval '1 hour')`
      await people.server.files.removal.run()
      expect(blobs.blobs.has(id)).toBe(true)
      await people.database.sql`UPDATE blob_removals SET due_at = now() - interval '1 second'`
      await people.server.files.removal.run()
      expect(blobs.blobs.has(id)).toBe(false)
    })

    test('an account has room for so much and no more, however it comes', async () => {
      const person = await signUp(people.server)
      const sent = await Promise.all(
        [1, 2, 3, 4].map((number) => sendFile(person, `${number}.txt`, String(number).repeat(90_000))),
      )
      expect(sent.map(({ status }) => status).sort()).toEqual([201, 201, 413, 413])
      const refused = sent.find(({ status }) => status === 413)
      expect(await refused?.json()).toMatchObject({ reason: 'file_quota_full' })
      expect(FilePage.parse(await (await person.call('/api/files')).json()).total).toBe(2)
    })

    test('the typed client sends and reads them, and so does tRPC but for the bytes', async () => {
      const { ada } = people
      const sent = await ada.client.api.files.upload.post({ file: new File(['typed'], 'typed.txt') })
      expect(sent.status).toBe(201)
      const id = sent.data?.id ?? ''
      const { files } = createTRPCClient<Router>({
        links: [httpBatchLink({ url: `${people.server.url}/trpc`, headers: ada.headers })],
      })
      expect(await files.get.query({ file_id: id })).toMatchObject({ id, name: 'typed.txt' })
      expect((await files.list.query()).items[0]?.id).toBe(id)
      expect((await files.links.query({ file_id: id })).download_url).toContain(id)
      expect(await files.remove.mutate({ file_id: id })).toEqual({ status: 'success' })
    })
  })
}
