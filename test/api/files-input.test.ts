import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { readdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { DiskBlobStore } from '../../src/adapters/blobs/disk.ts'
import { FilePage } from '../../src/contract/files.ts'
import type { BlobStore } from '../../src/domain/ports.ts'
import { Refusal } from '../../src/domain/refusal.ts'
import { removeTemporaryDirectories, temporaryDirectory, testDatabases } from '../support/database.ts'
import { sendFile, sendFiles, upload } from '../support/files.ts'
import { openPeople, type People, refusalOf } from '../support/people.ts'
import { type Person, signUp } from '../support/person.ts'
import { until } from '../support/wait.ts'

setDefaultTimeout(60_000)

const MAX = 1_000_000
const directory = temporaryDirectory()

/** A disk that can be full. */
class FullDisk extends DiskBlobStore {
  full = false

  override async write(name: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    if (this.full) throw new Refusal('file_storage_unavailable', { cause: new Error('ENOSPC') })
    return super.write(name, bytes)
  }
}

const files = async () =>
  (await readdir(directory, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).length

describe('uploads that are bad', () => {
  const disk = new FullDisk(directory)
  let people: People
  let ada: Person
  beforeAll(async () => {
    const [database] = testDatabases()
    if (database === undefined) throw new Error('There is always the embedded database.')
    people = await openPeople(database.open, { blobs: disk satisfies BlobStore, env: { MAX_UPLOAD_SIZE: String(MAX) } })
    ada = await signUp(people.server)
  })
  afterAll(async () => {
    await people.close()
    removeTemporaryDirectories()
  })

  /** Names whose bytes nobody has committed. A caller who is gone does not wait until they are taken out. */
  const expected = async () => (await people.database.sql`SELECT FROM blob_removals`).length
  const nothingKept = async (before: number) => {
    await until(async () => (await files()) === before && (await expected()) === 0)
  }

  test('a file of the limit is taken, one byte more is a 413 that keeps nothing', async () => {
    await upload(ada, 'all.bin', new Uint8Array(MAX))
    const before = await files()
    const refused = await sendFile(ada, 'more.bin', new Uint8Array(MAX + 1))
    expect([refused.status, await refused.json()]).toEqual([
      413,
      { detail: `File too large. Maximum size is ${MAX} bytes`, reason: 'file_too_large' },
    ])
    await nothingKept(before)
  })

  /** A request by hand. `body` is written once the server has its head; resolves to the head of the answer. */
  const byHand = async (head: string[], body: (write: (text: string) => void) => void) => {
    const { port } = new URL(people.server.url)
    const socket = connect(Number(port), '127.0.0.1')
    const answer = Promise.withResolvers<string>()
    let text = ''
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1')
      if (text.includes('\r\n\r\n')) answer.resolve(text)
    })
    socket.on('error', () => {})
    socket.on('close', () => answer.resolve(text))
    socket.write(
      [
        'POST /api/files/upload HTTP/1.1',
        `Host: 127.0.0.1:${port}`,
        `Authorization: ${ada.headers.authorization}`,
        'Content-Type: multipart/form-data; boundary=x',
        ...head,
        '',
        '',
      ].join('\r\n'),
    )
    body((part) => void socket.write(part))
    return { socket, answer: answer.promise }
  }
  const FILE = '--x\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'
  const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`

  test('without a length the limit counts as the bytes come: the answer is there before the end', async () => {
    const before = await files()
    const { socket, answer } = await byHand(['Transfer-Encoding: chunked'], (write) => {
      write(chunk(FILE))
      write(chunk('x'.repeat(MAX + 1)))
    })
    expect(await answer).toStartWith('HTTP/1.1 413')
    socket.destroy()
    await nothingKept(before)
  })

  test('one that is broken off leaves no file behind', async () => {
    const before = await files()
    const { socket } = await byHand(['Content-Length: 500000'], (write) => write(`${FILE}${'x'.repeat(100_000)}`))
    await until(async () => (await files()) === before + 1)
    socket.destroy()
    await nothingKept(before)
  })

  test('a form that ends too soon is a 400', async () => {
    const before = await files()
    const { socket, answer } = await byHand(['Transfer-Encoding: chunked', 'Connection: close'], (write) => {
      write(chunk(`${FILE}half of it`))
      write('0\r\n\r\n')
    })
    expect(await answer).toStartWith('HTTP/1.1 400')
    socket.destroy()
    await nothingKept(before)
  })

  const post = (body: BodyInit, type: string) =>
    ada.call('/api/files/upload', { method: 'POST', body, headers: { 'content-type': type } })
  const form = (lines: string[]) => post(lines.join('\r\n'), 'multipart/form-data; boundary=x')

  test.each([
    ['an empty file', () => sendFile(ada, 'empty.txt', ''), 400, 'file_empty'],
    ['JSON', () => post('{}', 'application/json'), 415, 'not_multipart'],
    ['no boundary', () => post('x', 'multipart/form-data'), 415, 'not_multipart'],
    ['an empty boundary', () => post('x', 'multipart/form-data; boundary='), 415, 'not_multipart'],
    ['no form at all', () => form(['no form at all']), 400, 'upload_broken'],
    ['nothing', () => form(['']), 400, 'upload_broken'],
    [
      'a form without files',
      () => form(['--x', 'Content-Disposition: form-data; name="a"', '', 'b', '--x--', '']),
      422,
      'invalid',
    ],
    [
      'a field in place of a file',
      () => form(['--x', 'Content-Disposition: form-data; name="file"', '', 'b', '--x--', '']),
      422,
      'invalid',
    ],
    ['two files in a call for one', () => twice(), 422, 'invalid'],
    [
      'eleven files',
      () => sendFiles(ada, Object.fromEntries(Array.from({ length: 11 }, (_, n) => [`${n}.txt`, 'x']))),
      422,
      'invalid',
    ],
    ['a thousand fields', () => fields(1000), 422, 'invalid'],
  ] as const)('%s is refused', async (_, send, status, reason) => {
    const before = await files()
    expect(await refusalOf(await send())).toEqual({ status, reason })
    await nothingKept(before)
  })

  const twice = () => {
    const body = new FormData()
    body.append('file', new File(['one'], 'one.txt'))
    body.append('file', new File(['two'], 'two.txt'))
    return ada.call('/api/files/upload', { method: 'POST', body })
  }
  const fields = (count: number) => {
    const body = new FormData()
    for (let number = 0; number < count; number += 1) body.append(`field ${number}`, 'x')
    body.append('file', new File(['one'], 'one.txt'))
    return ada.call('/api/files/upload', { method: 'POST', body })
  }

  test.each([
    ['../../etc/passwd', 'passwd'],
    ['..\\..\\boot.ini', 'boot.ini'],
    ['/absolute/path.txt', 'path.txt'],
    ['..', 'file'],
    ['a\u202etxt.exe', 'atxt.exe'],
    ['p\u0430ypal.txt', 'p\u0430ypal.txt'],
    ['cafe\u0301.txt', 'caf\u00e9.txt'],
    ['%2e%2e%2fx.txt', '%2e%2e%2fx.txt'],
    [`${'n'.repeat(300)}.txt`, `${'n'.repeat(251)}.txt`],
  ])('the name %j is data: shown as %j, never a path or a header', async (sent, shown) => {
    const before = await files()
    const file = await upload(ada, sent, 'named')
    expect(file.name).toBe(shown)
    expect(file.original_name.length).toBeLessThanOrEqual(255)
    expect(await files()).toBe(before + 1)
    const answer = await ada.call(`/api/files/${file.id}/download`)
    const disposition = answer.headers.get('content-disposition') ?? ''
    expect(disposition).toMatch(/^attachment; filename="[\w .()+,=@-]+"; filename\*=UTF-8''[\w.!#$&+^`|~%-]+$/)
    expect(decodeURIComponent(disposition.split("''")[1] ?? '')).toBe(shown)
    expect(await answer.text()).toBe('named')
  })

  test.each([
    ['an escaped quote', 'a\\"; filename=b.txt'],
    ['a NUL', 'a\0b.txt'],
    ['CR and LF', 'a\r\nX-Injected: yes\r\n.txt'],
  ])('a name with %s breaks nothing', async (_, name) => {
    const body = `--x\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\n\r\nnamed\r\n--x--\r\n`
    const answer = await post(body, 'multipart/form-data; boundary=x')
    expect([201, 400, 422]).toContain(answer.status)
    expect(answer.headers.has('x-injected')).toBe(false)
    expect(await answer.text()).not.toContain('\0')
  })

  test('a disk that is full is a 503 that keeps nothing, and the next upload goes well', async () => {
    const before = await files()
    disk.full = true
    const answer = await sendFile(ada, 'a.txt', 'text')
    disk.full = false
    expect(await refusalOf(answer)).toEqual({ status: 503, reason: 'file_storage_unavailable' })
    await nothingKept(before)
    expect((await upload(ada, 'a.txt', 'text')).name).toBe('a.txt')
  })

  test('nothing of all this is listed but what was answered with 201', async () => {
    const { items } = FilePage.parse(await (await ada.call('/api/files?limit=1000')).json())
    expect(items).toHaveLength(await files())
  })
})
