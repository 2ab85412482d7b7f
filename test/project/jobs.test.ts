import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { SignedIn } from '../../src/contract/accounts.ts'
import { FileWithContent, StoredFile } from '../../src/contract/files.ts'
import { removeTemporaryDirectories, temporaryDirectory, testDatabases } from '../support/database.ts'
import { pdfOf } from '../support/pdf.ts'
import { until } from '../support/wait.ts'
import { runServer } from './server-process.ts'

setDefaultTimeout(90_000)
afterAll(removeTemporaryDirectories)

const REPOSITORY = new URL('../..', import.meta.url).pathname

/** Somebody who is signed in at a server that runs. */
async function personAt(address: string) {
  const body = JSON.stringify({ username: 'ada', email: 'ada@example.com', password: 'Correct-Horse-9' })
  const headers = { 'content-type': 'application/json' }
  const registered = await fetch(`${address}/api/auth/register`, { method: 'POST', body, headers })
  const { access_token } = SignedIn.parse(await registered.json())
  const authorization = `Bearer ${access_token}`
  return {
    async upload(name: string, content: BlobPart) {
      const form = new FormData()
      form.set('file', new File([content], name))
      const answer = await fetch(`${address}/api/files/upload`, {
        method: 'POST',
        body: form,
        headers: { authorization },
      })
      return StoredFile.parse(await answer.json())
    },
    /** Once it was read. */
    async settled({ id }: StoredFile) {
      let file: FileWithContent | undefined
      await until(async () => {
        file = FileWithContent.parse(
          await (await fetch(`${address}/api/files/${id}`, { headers: { authorization } })).json(),
        )
        return file.state === 'ready' || file.state === 'failed'
      }, 'the file to be read')
      return file
    },
  }
}

for (const { kind, place } of testDatabases()) {
  describe(`work in the background on ${kind}`, () => {
    test('a server reads what is uploaded; bun run jobs shows queues and schedules', async () => {
      const { target, remove } = await place()
      const variables: Record<string, string> = {
        ...(target.kind === 'postgres' ? { DATABASE_URL: target.url } : {}),
        DATA_DIR: target.kind === 'postgres' ? temporaryDirectory() : target.directory,
        UPLOAD_DIR: temporaryDirectory(),
        JWT_SECRET: crypto.randomUUID(),
      }
      const server = runServer(REPOSITORY, ['--no-env-file', 'src/main.ts'], variables)
      try {
        const ada = await personAt(await server.address)
        const [text, pdf] = [
          await ada.upload('notes.md', '# Notes'),
          await ada.upload('paper.pdf', pdfOf({ pages: 2 })),
        ]
        expect(await ada.settled(text)).toMatchObject({ state: 'ready', content: '# Notes' })
        const preview_url = `/api/files/${pdf.id}/preview`
        expect(await ada.settled(pdf)).toMatchObject({ state: 'ready', content: 'Page 1\n\nPage 2', preview_url })
        server.kill('SIGTERM')
        expect(await server.exited).toBe(0)

        const shown = runServer(REPOSITORY, ['--no-env-file', 'src/main.ts', 'jobs'], variables)
        expect(await shown.exited).toBe(0)
        expect(shown.output()).toMatch(/^file +0 +0 +0$/m)
        expect(shown.output()).toMatch(/^keep +0 +0 +0 +23 \* \* \* \*$/m)
        expect(shown.output()).toMatch(/^logins +0 +0 +0 +33 \* \* \* \*$/m)
        expect(shown.output()).toMatch(/^chats +0 +0 +0 +43 \* \* \* \*$/m)
        expect(shown.output()).toContain('No job has failed.')
      } finally {
        server.kill('SIGKILL')
        await server.exited
        await remove()
      }
    })
  })
}

// The embedded database is for one process.
for (const postgres of testDatabases().filter(({ kind }) => kind === 'postgres')) {
  describe('a worker apart from the server', () => {
    test('reads what a server leaves to it, and does again what failed', async () => {
      const { target, remove } = await postgres.place()
      if (target.kind !== 'postgres') throw new Error('A server was asked for.')
      // The preview service that it is to ask fails at first.
      let broken = true
      const service = Bun.serve({
        port: 0,
        hostname: '127.0.0.1',
        fetch: () => (broken ? new Response('broken', { status: 500 }) : Response.json({ content: 'read at last' })),
      })
      const variables = {
        DATABASE_URL: target.url,
        UPLOAD_DIR: temporaryDirectory(),
        DATA_DIR: temporaryDirectory(),
        JWT_SECRET: crypto.randomUUID(),
        JOBS_IN_SERVER: 'false',
        PREVIEW_SERVICE_URL: service.url.origin,
      }
      const main = ['--no-env-file', 'src/main.ts']
      const server = runServer(REPOSITORY, main, variables)
      const worker = runServer(REPOSITORY, [...main, 'work'], variables)
      try {
        const ada = await personAt(await server.address)
        const file = await ada.upload('notes.md', '# Notes')
        const sql = new Bun.SQL(target.url, { max: 1 })
        // Four of its five tries are behind it.
        await sql`UPDATE files SET tries = 4`
        expect(await ada.settled(file)).toMatchObject({
          state: 'failed',
          reason: 'The preview service does not answer as it should.',
        })
        const failure = /^ {2}(\S+) .*file .*: The preview service does not answer as it should\.$/m
        let list = ''
        await until(async () => {
          const shown = runServer(REPOSITORY, [...main, 'jobs'], variables)
          await shown.exited
          list = shown.output()
          return failure.test(list)
        }, 'the failure to be listed')
        broken = false
        const again = runServer(REPOSITORY, [...main, 'jobs', 'retry', failure.exec(list)?.[1] ?? ''], variables)
        expect([await again.exited, await again.errors]).toEqual([0, ''])
        expect(await ada.settled(file)).toMatchObject({ state: 'ready', content: 'read at last' })
        await sql.close()
        worker.kill('SIGTERM')
        expect(await worker.exited).toBe(0)
      } finally {
        server.kill('SIGKILL')
        worker.kill('SIGKILL')
        await Promise.all([server.exited, worker.exited, service.stop(true)])
        await remove()
      }
    })
  })
}
