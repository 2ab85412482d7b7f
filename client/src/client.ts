import { type Treaty, treaty } from '@elysiajs/eden/treaty2'
import type { App } from '../../src/app.types.ts'
import { undocumented } from './errors.ts'
import { encodedPaths } from './paths.ts'

/** A bearer token, or what is called for one before each call. */
export type Token = string | (() => string | undefined | Promise<string | undefined>)

export interface ClientOptions {
  /** Sent as `Authorization: Bearer`. */
  token?: Token | undefined
  /** Sent with every call. */
  headers?: Record<string, string> | undefined
  /** Takes the place of the global `fetch`: for a proxy, or a server in the same process. */
  fetch?: ((request: Request) => Response | Promise<Response>) | undefined
}

/** Every route as a path of properties: `client.v1.chat.sessions({ session_id: 'a' }).messages.get()`. */
export type Client = Treaty.Create<App>

/**
 * A client of the server at `url`. A call resolves to `{ data, error }`: a refusal that the API documents is a typed
 * `error`. It throws `ParleyError` when there is no answer, or one that the API does not give (a proxy's, say), and
 * whatever a token function throws.
 */
export function createClient(url: string, { token, headers, fetch = globalThis.fetch }: ClientOptions = {}): Client {
  const fetcher = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> =>
    fetch(new Request(input, init))
  const client: Client = treaty<App>(url, {
    // Bun's type of fetch has more to it, which Eden does not use.
    fetcher: fetcher as typeof globalThis.fetch,
    // Text that looks like a date is text.
    parseDate: false,
    headers: async () => ({ ...headers, ...(await authorization(token)) }),
    throwHttpError(error) {
      const surprise = undocumented(error)
      if (surprise !== undefined) throw surprise
      return false
    },
  })
  return encodedPaths(client)
}

/** The token as of now. */
export async function tokenOf(token: Token | undefined): Promise<string | undefined> {
  return typeof token === 'function' ? token() : token
}

async function authorization(token: Token | undefined): Promise<{ authorization?: string }> {
  const current = await tokenOf(token)
  return current === undefined ? {} : { authorization: `Bearer ${current}` }
}
