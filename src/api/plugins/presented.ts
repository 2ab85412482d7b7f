import type { Presented } from '../../domain/accounts/authenticator.ts'

/** What a request shows of its caller. */
export function presentedIn({ headers }: Request): Presented {
  return {
    token: bearerOf(headers.get('authorization')),
    apiKey: headers.get('x-api-key'),
    onBehalfOf: headers.get('x-on-behalf-of'),
  }
}

/**
 * The same for a socket's request, which in a browser has no header of the page's own but one: there the token comes in
 * `Sec-WebSocket-Protocol: bearer, <token>`.
 */
export function presentedInHeaders(request: Request): Presented {
  const presented = presentedIn(request)
  return { ...presented, token: presented.token ?? offeredToken(request) ?? null }
}

/** For sockets whose documented clients have the token in their address: also as `?token=`. */
export function presentedBySocket(request: Request): Presented {
  const presented = presentedInHeaders(request)
  return { ...presented, token: presented.token || new URL(request.url).searchParams.get('token') || null }
}

/** Bun answers a socket with the first subprotocol that was offered: the token must not be that. */
function offeredToken({ headers }: Request): string | undefined {
  const [first, second] =
    headers
      .get('sec-websocket-protocol')
      ?.split(',')
      .map((part) => part.trim()) ?? []
  return first === 'bearer' ? second : undefined
}

function bearerOf(authorization: string | null): string | null {
  return (authorization !== null && /^bearer +(\S+) *$/i.exec(authorization)?.[1]) || null
}
