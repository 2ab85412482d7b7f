/** As much of Bun's server as tells an address; there is none where a test hands a request in. */
type Listener = { requestIP(request: Request): { address: string } | null } | null

/**
 * Whom to count a call for. Behind the one proxy that we trust it is the address which that proxy put last; what comes
 * before it in the header, anybody can write. An IPv6 caller has a whole network of addresses: it counts as one.
 */
export function callerAddress(request: Request, server: Listener, trustProxy: boolean): string {
  const forwarded = trustProxy ? request.headers.get('x-forwarded-for')?.split(',').at(-1)?.trim() : undefined
  return networkOf(forwarded || (server?.requestIP(request)?.address ?? ''))
}

function networkOf(address: string): string {
  const v4 = /(?:^|:)((?:\d+\.){3}\d+)$/.exec(address)?.[1]
  if (v4 !== undefined) return v4
  if (!address.includes(':')) return address
  const [head = [], tail = []] = address.split('::').map((part) => part.split(':').filter((group) => group !== ''))
  const zeros = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0')
  return [...head, ...zeros, ...tail].slice(0, 4).join(':')
}
