import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import pino from 'pino'
import { z } from 'zod'
import { typeByContent } from '../../src/adapters/file-type.ts'
import { openAnswers } from '../../src/answer-services.ts'
import { ASSET_NAMES } from '../../src/api/docs/assets.ts'
import { pathTemplate } from '../../src/api/docs/document.ts'
import { Schemas } from '../../src/api/docs/schemas.ts'
import { createApp } from '../../src/app.ts'
import { openChats } from '../../src/chat-services.ts'
import { readConfig } from '../../src/config.ts'
import { CallbackTokens } from '../../src/domain/answers/callback-tokens.ts'
import { DeskStore } from '../../src/domain/desk/desk-store.ts'
import { DeskService } from '../../src/domain/desk/service.ts'
import { SessionPromoter } from '../../src/domain/sessions/promotion.ts'
import { SessionService } from '../../src/domain/sessions/service.ts'
import { openFiles } from '../../src/file-services.ts'
import { openSupport } from '../../src/support-services.ts'
import { absentDatabase, testAccounts } from '../support/accounts.ts'
import { MemoryBlobs, NO_JOBS } from '../support/blobs.ts'
import { Document } from '../support/openapi.ts'
import { memoryStores } from '../support/stores.ts'

setDefaultTimeout(60_000)

async function open(env: Record<string, string> = {}) {
  const stores = memoryStores()
  const sessions = new SessionService(stores.sessions, stores.bus)
  const config = readConfig(env)
  const accounts = testAccounts(config, absentDatabase(), stores.bus)
  const chats = await openChats(absentDatabase(), stores.bus, stores.buffer)
  const database = absentDatabase()
  const { bus, buffer } = stores
  const log = pino({ level: 'silent' })
  const tokens = new CallbackTokens(['one'])
  const { answers, callbacks, turns } = await openAnswers({ database, bus, buffer, chats, answerers: [], tokens, log })
  const desk = new DeskService({ store: new DeskStore(database), chats: chats.chats, answers })
  const {
    support,
    desk: supportDesk,
    handOver,
    feed: deskFeed,
  } = await openSupport(config, { database, bus, chats, answers, log })
  const promoter = new SessionPromoter(stores.sessions, chats.promoted)
  const { files } = openFiles(config, {
    database: absentDatabase(),
    log: chats.log,
    blobs: new MemoryBlobs(),
    jobs: NO_JOBS,
    typer: typeByContent,
    secrets: ['one'],
  })
  const { app } = createApp(
    {
      accounts,
      sessions,
      promoter,
      chats,
      answers,
      callbacks,
      turns,
      desk,
      support,
      supportDesk,
      handOver,
      deskFeed,
      files,
      bus: stores.bus,
      probes: {},
    },
    config,
    pino({ level: 'silent' }),
  )
  const call = (path: string, init?: RequestInit) => app.handle(new Request(`http://localhost${path}`, init))
  return { app, call }
}

const { app, call } = await open()
const raw: unknown = await (await call('/openapi.json')).json()
const document = Document.parse(raw)
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, ...operation })),
)

/** Every object of a document with the keys that lead to it. Examples are values, not parts of it. */
function* parts(node: unknown, keys: string[] = []): Generator<{ node: object; keys: string[] }> {
  if (typeof node !== 'object' || node === null) return
  yield { node, keys }
  for (const [key, value] of Object.entries(node)) {
    if (key !== 'example' && key !== 'examples') yield* parts(value, [...keys, key])
  }
}

/** What a part shows for its schema. */
function examplesOf(node: object): unknown[] {
  const examples = 'examples' in node ? node.examples : undefined
  if (Array.isArray(examples)) return examples
  const named = typeof examples === 'object' && examples !== null ? Object.values(examples) : []
  return [...named.map(({ value }) => value), ...('example' in node ? [node.example] : [])]
}

describe('the OpenAPI document', () => {
  test('is valid OpenAPI 3.1', async () => {
    const validator = new Validator()
    expect(await validator.validate(structuredClone(document))).toEqual({ valid: true })
    expect(validator.version).toBe('3.1')
  })

  test.each([
    ['no version', { info: { title: 'Parley' } }],
    ['an operation without a description of its answer', { paths: { '/a': { get: { responses: { 200: {} } } } } }],
    ['a parameter that is nowhere', { paths: { '/a': { get: { parameters: [{ name: 'a' }], responses: {} } } } }],
    ['a schema of no known type', { components: { schemas: { A: { type: 'text' } } } }],
  ])('would not be called valid with %s', async (_, fault) => {
    const { valid } = await new Validator().validate({ ...structuredClone(document), ...fault })
    expect(valid).toBe(false)
  })

  test('holds every route that is not hidden, and no other', () => {
    const visible = app.routes.filter(({ method, hooks }) => method !== 'OPTIONS' && !hooks.detail?.hide)
    expect(visible.length).toBeGreaterThan(7)
    expect(operations.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(
      visible.map(({ method, path }) => `${method.toLowerCase()} ${pathTemplate(path)}`).sort(),
    )
  })

  test.each(operations)('tells what $method $path takes, answers and refuses', (operation) => {
    const named = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
    expect(operation.parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name)).toEqual(named)
    expect(document.tags.map(({ name }) => name)).toContain(operation.tags[0] ?? '')
    const route = app.routes.find(
      ({ method, path }) => method === operation.method.toUpperCase() && pathTemplate(path) === operation.path,
    )
    expect(operation.requestBody !== undefined).toBe(route?.hooks.body !== undefined)
    const statuses = Object.keys(operation.responses).map(Number)
    expect(statuses.some((status) => status < 300)).toBe(true)
    expect(statuses).toContain(500)
  })

  test('tells of each operation whether it wants a token', async () => {
    const closed = Document.parse(await (await (await open({ PUBLIC_APIS: ',' })).call('/openapi.json')).json())
    for (const [path, methods] of Object.entries(closed.paths)) {
      for (const [method, { security, responses }] of Object.entries(methods)) {
        const refusals = ['401', '403'].flatMap((status) =>
          Object.keys(responses[status]?.content?.['application/json']?.examples ?? {}),
        )
        const accounts = refusals.includes('service_needed') ? [] : [{ bearer: [] }]
        const visitors = refusals.includes('not_for_visitors') ? [] : [{ visitor: [] }]
        const wanted = refusals.includes('unauthenticated') ? [...accounts, { apiKey: [] }, ...visitors] : []
        expect(`${method} ${path} ${JSON.stringify(security)}`).toBe(`${method} ${path} ${JSON.stringify(wanted)}`)
      }
    }
    expect(closed.paths['/v1/chat/sessions']?.['get']?.security).toHaveLength(2)
    expect(document.paths['/v1/chat/sessions']?.['get']?.security).toEqual([])
  })

  test('names every operation apart', () => {
    const ids = operations.map(({ operationId }) => operationId)
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('shows only examples that fit their own schemas', () => {
    const ajv = addFormats(new Ajv2020({ strict: false, allErrors: true }))
    ajv.addSchema({ ...document, $id: 'document' }, undefined, undefined, false)
    let shown = 0
    for (const { node, keys } of parts(document)) {
      const schemaKeys = 'schema' in node ? [...keys, 'schema'] : keys
      for (const example of examplesOf(node)) {
        const pointer = schemaKeys.map(
          (key) => `/${encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1'))}`,
        )
        const fits = ajv.compile({ $ref: `document#${pointer.join('')}` })
        expect({ at: schemaKeys, errors: fits(example) ? null : fits.errors }).toEqual({ at: schemaKeys, errors: null })
        shown += 1
      }
    }
    expect(shown).toBeGreaterThan(50)
  })

  test('refers only to what it holds', () => {
    for (const { node } of parts(document)) {
      if (!('$ref' in node)) continue
      const [, , kind = '', name = ''] = String(node.$ref).split('/')
      expect(String(node.$ref)).toStartWith('#/components/')
      expect(document.components[kind]).toHaveProperty(name)
    }
  })

  test('keeps shared schemas in one place, by their names', () => {
    const names = [
      'Conversation',
      'Internal',
      'Invalid',
      'Issue',
      'NewSessionMessage',
      'SessionMessage',
      'SessionServerFrame',
    ]
    expect(Object.keys(document.components.schemas)).toEqual(expect.arrayContaining(names))
    expect(JSON.stringify(document)).not.toContain('$defs')
  })

  test('gives an error as an example that the server really answers with', async () => {
    const answer = await call('/v1/chat/sessions/a/messages', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ role: 'user', content: ' ' }),
    })
    const told = document.paths['/v1/chat/sessions/{session_id}/messages']?.['post']?.responses[String(answer.status)]
    expect(Object.values(told?.content?.['application/json']?.examples ?? {})).toContainEqual({
      value: await answer.json(),
    })
  })

  test('tells the headers of an answer', () => {
    const headers = document.paths['/v1/chat/sessions']?.['get']?.responses['200']?.headers ?? {}
    expect(Object.keys(headers).sort()).toEqual(['link', 'x-request-id'])
  })

  test('is served by the public address', async () => {
    const { servers, info } = Document.parse(
      await (
        await (await open({ PUBLIC_URL: 'https://example.com/chat/', APP_NAME: 'Shop' })).call('/openapi.json')
      ).json(),
    )
    expect(servers).toEqual([{ url: 'https://example.com/chat' }])
    expect(info.title).toBe('Shop API')
  })

  test('is never made of two schemas with one name', () => {
    const schemas = new Schemas()
    const settings = z.object({ limit: z.int().default(10) }).meta({ id: 'Settings' })
    schemas.add(settings, 'input')
    expect(() => schemas.add(settings, 'output')).toThrow('Two schemas are called Settings')
  })
})

describe('the pages', () => {
  test.each(['/docs', '/redoc'])('%s loads nothing from elsewhere', async (path) => {
    const page = await call(path)
    expect(page.status).toBe(200)
    expect(page.headers.get('content-type')).toBe('text/html;charset=utf-8')
    expect(page.headers.get('content-security-policy')).toStartWith("default-src 'none'; script-src 'self';")
    const html = await page.text()
    expect(html).not.toContain('//')
    const assets = [...html.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, asset = '']) => asset)
    expect(assets.length).toBeGreaterThan(2)
    for (const asset of assets) expect((await call(asset)).status).toBe(200)
  })

  test('work under a path that a proxy serves them by', async () => {
    const html = await (await (await open({ PUBLIC_URL: 'https://example.com/chat' })).call('/docs')).text()
    expect(html).toContain('src="/chat/docs/assets/swagger-ui.js"')
    expect(html).toContain('data-base="/chat"')
  })

  test('write the name of the server as text', async () => {
    const html = await (await (await open({ APP_NAME: '<script>' })).call('/docs')).text()
    expect(html).toContain('<title>&lt;script&gt; API</title>')
  })

  test.each(ASSET_NAMES)('have %s sent once and then only confirmed', async (name) => {
    const asset = await call(`/docs/assets/${name}`)
    expect(asset.status).toBe(200)
    expect((await asset.text()).length).toBeGreaterThan(10)
    const etag = asset.headers.get('etag') ?? ''
    const again = await call(`/docs/assets/${name}`, { headers: { 'if-none-match': `"older", W/${etag}` } })
    expect(again.status).toBe(304)
    expect(await again.text()).toBe('')
  })

  test('have no asset but those', async () => {
    for (const name of ['nothing.js', '..%2Fassets.ts', '%2Fetc%2Fpasswd', '..%2F..%2F..%2F..%2Fpackage.json']) {
      const answer = await call(`/docs/assets/${name}`)
      expect(answer.status).toBe(404)
      expect(await answer.json()).toEqual({ detail: 'Not Found', reason: 'not_found' })
    }
  })
})
