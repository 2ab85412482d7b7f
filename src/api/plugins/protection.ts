import { Elysia } from 'elysia'
import { Refusal } from '../../domain/refusal.ts'

/**
 * Elysia finds a request's path by looking for a slash from the twelfth character of its URL on. A host of three
 * characters or fewer would have it run another route than the one asked for. So would one that is not valid: Bun then
 * hands on the path alone, or a URL that nothing can parse.
 */
const HOST_END_MIN = 11

export const hostGuard = new Elysia({ name: 'host-guard' }).onRequest(({ request: { url } }) => {
  if (url.indexOf('/', 8) < HOST_END_MIN || !URL.canParse(url)) throw new Refusal('host_invalid')
})

/** Right for an API: nothing here is a page to run, frame or sniff. Pages set a policy of their own. */
export const securityHeaders = new Elysia({ name: 'security-headers' }).headers({
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-site',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
})
