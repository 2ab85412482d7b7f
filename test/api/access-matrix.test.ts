import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { z } from 'zod'
import type { TestServer } from '../support/app.ts'
import { type OpenedDatabase, testDatabases } from '../support/database.ts'
import { PROCEDURES } from './access/procedures.ts'
import { ROUTES } from './access/routes.ts'
import type { Row } from './access/rules.ts'
import { CALLERS, headersOf, openPeople, startClosedServer, type Things, thingsFor } from './access/world.ts'

setDefaultTimeout(120_000)

const ROWS: Record<string, Row> = { ...ROUTES, ...PROCEDURES }

const Refused = z.object({ reason: z.string() })
const RefusedCall = z.object({ error: z.object({ data: z.object({ httpStatus: z.int(), reason: z.string() }) }) })

/** A status, and with a refusal its reason. */
async function told(answer: Response): Promise<string> {
  const text = answer.headers.get('content-type')?.includes('event-stream')
    ? await firstEvent(answer)
    : await answer.text()
  const body: unknown = text.startsWith('{') ? JSON.parse(text) : undefined
  const call = RefusedCall.safeParse(body).data?.error.data
  if (call !== undefined) return `${call.httpStatus} ${call.reason}`
  const reason = Refused.safeParse(body).data?.reason
  return reason === undefined ? `${answer.status}` : `${answer.status} ${reason}`
}

/** What a subscription tells first: that it failed, in the form of a call's refusal, or anything else. */
async function firstEvent(answer: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const bytes of answer.body ?? []) {
    text += decoder.decode(bytes, { stream: true })
    const failed = /event: serialized-error\ndata: (.*)\n/.exec(text)
    if (failed) return `{"error":${failed[1]}}`
    // One that goes on from nowhere has no id.
    if (/^id: /m.test(text) || text.includes('\n\ndata: ')) return text
  }
  return text
}

function requestOf(door: string, row: Row, things: Things): [path: string, init: RequestInit] {
  const [method = '', ...rest] = door.split(' ')
  if (method === 'trpc') return procedureRequest(rest, row, things)
  const path = (rest[0] ?? '')
    .replace(/:(\w+)/g, (_, name: keyof Things) => row.things?.[name]?.(things) ?? things[name])
    .replace(/(.)\/$/, '$1')
  const query = row.query ? `?${new URLSearchParams(row.query(things))}` : ''
  const init: RequestInit = { method: method === 'ALL' ? 'GET' : method }
  if (row.form) init.body = new URLSearchParams(row.form(things))
  if (row.file) init.body = formWith(row.file)
  if (row.body) init.body = JSON.stringify(row.body(things))
  return [`${path}${query}`, init]
}

/** What a row's call is about: whatever it looks at. */
function wantedBy(door: string, row: Row): Set<string> {
  const wanted = new Set<string>()
  const looked = {
    get(_: object, name: string) {
      wanted.add(name)
      return name
    },
  }
  requestOf(door, row, new Proxy<Things>({} as Things, looked))
  return wanted
}

function formWith(field: string): FormData {
  const form = new FormData()
  form.set(field, new File(['said'], 'said.txt'))
  return form
}

function procedureRequest([type = '', name = '']: string[], row: Row, things: Things): [string, RequestInit] {
  const input = row.body ? JSON.stringify(row.body(things)) : undefined
  if (type === 'mutation') return [`/trpc/${name}`, { method: 'POST', ...(input === undefined ? {} : { body: input }) }]
  return [`/trpc/${name}${input === undefined ? '' : `?input=${encodeURIComponent(input)}`}`, {}]
}

for (const { kind, open } of testDatabases()) {
  describe(`who may do what on ${kind}`, () => {
    let database: OpenedDatabase
    let server: TestServer
    let people: Awaited<ReturnType<typeof openPeople>>
    beforeAll(async () => {
      database = await open()
      server = await startClosedServer(database)
      people = await openPeople(server)
    })
    afterAll(async () => {
      await server.close()
      await database.close()
    })

    test('every door of the server has a row, and every row a door', () => {
      expect(Object.keys(ROWS).toSorted()).toEqual(server.doors.toSorted())
    })

    test.each(Object.entries(ROWS))('%s', async (door, row) => {
      const answers: Record<string, string> = {}
      const wanted = wantedBy(door, row)
      for (const caller of CALLERS) {
        const who = row.consumes ? await openPeople(server) : people
        const [path, init] = requestOf(door, row, await thingsFor(server, caller, who, wanted))
        const stop = new AbortController()
        const type: Record<string, string> = row.form || row.file ? {} : { 'content-type': 'application/json' }
        const headers = { ...type, ...(await headersOf(caller, who)) }
        answers[caller] = await told(await server.call(path, { ...init, headers, signal: stop.signal }))
        stop.abort()
      }
      expect(answers).toEqual(row.rule)
    })
  })
}
