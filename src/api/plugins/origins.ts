import { cors } from '@elysiajs/cors'
import type { Config } from '../../config.ts'

export type OriginRule = (origin: string) => boolean

const LOCAL_HOSTS = new Set(['localhost', '127.0.0.1', '[::1]'])

/** Which web origins may call from a browser. The server's own public address always may. */
export function originRule({ allowedOrigins, publicUrl }: Config): OriginRule {
  if (allowedOrigins === '*') return () => true
  const named = new Set(allowedOrigins === 'local' ? [] : allowedOrigins)
  named.add(new URL(publicUrl).origin)
  if (allowedOrigins !== 'local') return (origin) => named.has(origin)
  return (origin) => named.has(origin) || LOCAL_HOSTS.has(URL.parse(origin)?.hostname ?? '')
}

export function crossOrigin(allowed: OriginRule) {
  return cors({
    origin: (request) => allowed(request.headers.get('origin') ?? ''),
    methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowedHeaders: ['authorization', 'content-type', 'idempotency-key', 'last-event-id', 'x-request-id'],
    exposeHeaders: ['link', 'retry-after', 'x-request-id'],
    credentials: false,
    maxAge: 600,
  })
}
