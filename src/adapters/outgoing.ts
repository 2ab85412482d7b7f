import { lookup } from 'node:dns/promises'
import ipaddr from 'ipaddr.js'

/** Why a service was not reached. */
export type OutgoingReason =
  /** The address is not one that may be asked. */
  | 'refused'
  /** It has no address, does not take the connection, or broke it off. */
  | 'unreachable'
  /** It took the request and did not answer in time. */
  | 'late'

/** `message` names the host and nothing else of the URL: there may be secrets in the rest. For the log. */
export class OutgoingFault extends Error {
  override readonly name = 'OutgoingFault'
  readonly reason: OutgoingReason

  constructor(reason: OutgoingReason, message: string, cause?: unknown) {
    super(message, { cause })
    this.reason = reason
  }
}

export type OutgoingRequest = {
  method: 'GET' | 'POST'
  headers: Record<string, string>
  body?: string
  /** The whole call, its body included, ends when it is aborted. */
  signal: AbortSignal
  /** Milliseconds until the headers of the answer must be there, the search for the address included. */
  deadlineMs: number
}

/** Every address of a host, most wanted first. */
export type Resolve = (host: string) => Promise<readonly string[]>

export type OutgoingSettings = {
  /** Whether services in the private network, and on this machine, may be asked. */
  allowPrivate: boolean
  resolve?: Resolve
  /** A certificate (PEM) that is trusted instead of those of the system. */
  ca?: string
}

/** A host with more is asked at these alone. */
const ADDRESSES_MAX = 4
/** What the connection was never there for: the next address may be asked without saying anything twice. */
const NOT_CONNECTED = ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL']

/** The part of IPv6 that is given out for the Internet. */
const GLOBAL_IPV6 = ipaddr.parseCIDR('2000::/3')

/**
 * Asks services over HTTP whose addresses come from configuration or from people. A name is resolved once; the addresses that
 * were looked at are the ones connected to, so that a name cannot mean another place a moment later. No redirect is
 * followed: its 3xx is the answer.
 */
export class Outgoing {
  readonly #allowPrivate: boolean
  readonly #resolve: Resolve
  readonly #ca: string | undefined

  constructor({ allowPrivate, resolve = resolveByTheSystem, ca }: OutgoingSettings) {
    this.#allowPrivate = allowPrivate
    this.#resolve = resolve
    this.#ca = ca
  }

  /** Resolves once the headers are there. Throws an `OutgoingFault`, or what the signal was aborted with. */
  async fetch(url: string, request: OutgoingRequest): Promise<Response> {
    const target = targetOf(url)
    const late = new AbortController()
    const timer = setTimeout(
      () => late.abort(new OutgoingFault('late', `${target.host} did not answer within ${request.deadlineMs} ms`)),
      request.deadlineMs,
    )
    const signal = AbortSignal.any([request.signal, late.signal])
    try {
      const addresses = await unlessAborted(() => this.#addressesOf(target), signal)
      return await this.#ask(target, addresses, { ...request, signal })
    } catch (fault) {
      if (signal.aborted) throw signal.reason
      throw fault instanceof OutgoingFault ? fault : unreachable(target, fault)
    } finally {
      clearTimeout(timer)
    }
  }

  async #ask(target: URL, addresses: readonly string[], request: OutgoingRequest): Promise<Response> {
    let refusal: unknown
    for (const address of addresses) {
      try {
        return await fetch(pinned(target, address), {
          method: request.method,
          headers: { ...request.headers, host: target.host, 'accept-encoding': 'identity' },
          // A few bytes of a packed body may stand for more than there is room for.
          decompress: false,
          signal: request.signal,
          redirect: 'manual',
          ...(request.body === undefined ? {} : { body: request.body }),
          ...(target.protocol === 'https:' ? { tls: this.#tlsFor(target) } : {}),
        })
      } catch (fault) {
        if (!(fault instanceof Error && 'code' in fault && NOT_CONNECTED.includes(String(fault.code)))) throw fault
        refusal = fault
      }
    }
    throw unreachable(target, refusal)
  }

  /** The certificate must be the name's, although it is an address that is connected to. */
  #tlsFor(target: URL): { serverName: string; ca?: string } {
    return { serverName: bare(target.hostname), ...(this.#ca === undefined ? {} : { ca: this.#ca }) }
  }

  /** One that may not be asked refuses them all: a name of ours does not stand for both kinds. */
  async #addressesOf(target: URL): Promise<readonly string[]> {
    const host = bare(target.hostname)
    const addresses = ipaddr.isValid(host) ? [host] : await this.#resolve(host)
    if (addresses.length === 0) throw new OutgoingFault('unreachable', `${host} has no address`)
    const closed = this.#allowPrivate ? undefined : addresses.find((address) => !isPublic(address))
    if (closed !== undefined) {
      const where = closed === host ? host : `${host} (${closed})`
      throw new OutgoingFault('refused', `${where} is no public address; OUTGOING_ALLOW_PRIVATE=true allows it`)
    }
    return addresses.slice(0, ADDRESSES_MAX)
  }
}

/** Whether the address is one of the Internet: no private, local, shared, translated or reserved one. */
export function isPublic(address: string): boolean {
  if (!ipaddr.isValid(address)) return false
  const parsed = ipaddr.process(address)
  return parsed.range() === 'unicast' && (parsed.kind() === 'ipv4' || parsed.match(GLOBAL_IPV6))
}

/** The body as text. Undefined, with the rest left unread, where it has more bytes. Throws what reading throws. */
export async function textOf(response: Response, maxBytes: number): Promise<string | undefined> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > maxBytes) return undefined
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

function targetOf(url: string): URL {
  const target = URL.parse(url)
  if (target === null) throw new OutgoingFault('refused', 'the address is no URL')
  if (target.protocol !== 'http:' && target.protocol !== 'https:') {
    throw new OutgoingFault('refused', `${target.protocol} is not spoken, only http: and https:`)
  }
  if (target.username !== '' || target.password !== '') {
    throw new OutgoingFault('refused', `the URL of ${target.host} must not hold a name or a password`)
  }
  return target
}

function pinned(target: URL, address: string): URL {
  const url = new URL(target)
  const parsed = ipaddr.process(address)
  url.hostname = parsed.kind() === 'ipv6' ? `[${parsed}]` : parsed.toString()
  // A URL leaves its host as it was where it does not take the new one.
  if (!ipaddr.isValid(bare(url.hostname))) throw new OutgoingFault('refused', `${address} is no address to connect to`)
  return url
}

/** Without the brackets that a URL puts around IPv6, and without the dot that ends a whole name. */
function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
}

async function resolveByTheSystem(host: string): Promise<readonly string[]> {
  const found = await lookup(host, { all: true })
  return found.map(({ address }) => address)
}

function unreachable(target: URL, cause: unknown): OutgoingFault {
  const code = cause instanceof Error && 'code' in cause ? `: ${cause.code}` : ''
  return new OutgoingFault('unreachable', `${target.host} cannot be reached${code}`, cause)
}

/** A search for an address cannot be called off, only left alone. */
async function unlessAborted<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) throw signal.reason
  const { promise, reject } = Promise.withResolvers<never>()
  const abort = () => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([work(), promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
