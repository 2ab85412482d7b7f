import type { Treaty } from '@elysiajs/eden/treaty2'
import { initTRPC } from '@trpc/server'
import { Elysia } from 'elysia'
import { z } from 'zod'
import type { Equal, Flaws, Holds, NoneOf, RouteFlaws, RouteNames } from './flaws.ts'

// The checks bite: what is wrong with these routes is found, all of it.

const app = new Elysia()
  .get('/sound', () => ({ text: 'a' }), { response: { 200: z.object({ text: z.string() }), 500: z.literal('down') } })
  .get('/any', () => JSON.parse('1'))
  .get('/never', () => JSON.parse('1'), { response: { 500: z.literal('down') } })
  .get('/deep/:id', () => ({ list: [{ found: {} }] }), {
    response: { 200: z.object({ list: z.array(z.object({ found: z.unknown() })) }), 500: z.literal('down') },
  })
  .get('/error/:a/and/:b', () => 'a', { response: { 200: z.string(), 500: z.object({ reason: z.any() }) } })
  .get('/query', () => 'a', {
    query: z.object({ by: z.any() }),
    response: { 200: z.string(), 500: z.literal('down') },
  })
  .post('/body', () => 'a', { body: z.unknown(), response: { 200: z.string(), 500: z.literal('down') } })

type Broken = Treaty.Create<typeof app>

/** Elysia's own: what it supposes of a 422, and of a query and headers that are not declared. */
type Supposed = `${string} ${'error.value.found' | `${'query' | 'headers'}.${string}`}: unknown`

type Found = Exclude<RouteFlaws<Broken>, Supposed>

export type Names = Holds<
  Equal<
    RouteNames<Broken>,
    'GET /sound' | 'GET /any' | 'GET /never' | 'GET /deep/:id' | 'GET /error/:a/and/:b' | 'GET /query' | 'POST /body'
  >
>

export type Routes = Holds<
  Equal<
    Found,
    | 'GET /any data: unknown'
    | 'GET /any error.status: unknown'
    | 'GET /any error.value: unknown'
    | 'GET /never data: unknown'
    | 'GET /deep/:id data.list[].found: unknown'
    | 'GET /error/:a/and/:b error.value.reason: any'
    | 'GET /query query.by: any'
    | 'POST /body body: unknown'
  >
>

// @ts-expect-error: there are flaws.
export type Refused = NoneOf<Found>

const t = initTRPC.create()
const router = t.router({
  sound: t.procedure.query(() => ({ text: 'a' })),
  inner: t.router({
    any: t.procedure.query(() => ({ list: [JSON.parse('1')] })),
    stream: t.procedure.subscription(async function* () {
      yield JSON.parse('1')
    }),
  }),
})

type Outputs = {
  [Key in keyof typeof router.inner]: (typeof router.inner)[Key]['_def']['$types']['output']
}

export type Procedures = Holds<Equal<Flaws<Outputs, 'output'>, 'output.any.list[]: any' | 'output.stream[]: any'>>
