import type { TRPCError } from '@trpc/server'
import { fetchRequestHandler } from '@trpc/server/adapters/fetch'
import { Elysia } from 'elysia'
import type { Config } from '../../config.ts'
import { callerAddress } from '../plugins/caller-address.ts'
import { readText } from '../plugins/json-body.ts'
import { assertShallow } from '../plugins/json-depth.ts'
import type { RequestLog } from '../plugins/request-log.ts'
import type { Router } from './router.ts'

const LOGGED = new Set<TRPCError['code']>(['INTERNAL_SERVER_ERROR', 'SERVICE_UNAVAILABLE'])

/**
 * tRPC's own door: queries, mutations, and subscriptions by Server-Sent Events. The router is made for the first call: that
 * takes a good part of what a start takes, and many a server is never called here.
 */
export function trpcRoutes(makeRouter: () => Router, { trustProxy }: Config, log: RequestLog, draining: AbortSignal) {
  let router: Router | undefined
  const door = new Elysia({ name: 'trpc' })
  // A statement of its own: what a chain returns would offer the door to clients as a call.
  door.all(
    '/trpc/*',
    async ({ request, server }) => {
      router ??= makeRouter()
      return fetchRequestHandler({
        endpoint: '/trpc',
        req: await bounded(request, draining),
        router,
        createContext: ({ info }) => ({
          request,
          address: callerAddress(request, server, trustProxy),
          token: info.connectionParams?.['token'] ?? null,
        }),
        onError({ error }) {
          if (LOGGED.has(error.code)) log.fault(request, error.cause ?? error)
        },
      })
    },
    { parse: 'none', detail: { hide: true } },
  )
  return door
}

/**
 * tRPC reads a body of any length and depth; ours has one that fits. And a subscription ends with the server: its client
 * goes on with another, from the last event that it had.
 */
async function bounded(request: Request, draining: AbortSignal): Promise<Request> {
  const { url, method, headers, signal } = request
  if (headers.get('accept')?.includes('text/event-stream')) {
    return new Request(url, { method, headers, signal: AbortSignal.any([signal, draining]) })
  }
  if (request.body === null) return request
  const body = await readText(request)
  assertShallow(body)
  return new Request(url, { method, headers, signal, body })
}
