import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { generate } from 'selfsigned'
import { isPublic, Outgoing, OutgoingFault, type OutgoingSettings, textOf } from '../../src/adapters/outgoing.ts'

setDefaultTimeout(60_000)

const CLOSE: (() => unknown)[] = []
afterAll(async () => {
  for (const close of CLOSE) await close()
})

const never = () => new Promise<never>(() => {})

/** A service on this machine, and the paths that it was asked for with the name it was asked by. */
function service(answer: (request: Request) => Response | Promise<Response> = () => new Response('here')) {
  const asked: string[] = []
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch(request) {
      asked.push(`${request.headers.get('host')} ${new URL(request.url).pathname}`)
      return answer(request)
    },
  })
  CLOSE.push(() => server.stop(true))
  return { asked, port: Number(server.port), url: (host: string) => `http://${host}:${server.port}/path?key=hidden` }
}

type Call = { deadlineMs?: number; signal?: AbortSignal; body?: string }

function get(url: string, settings: Partial<OutgoingSettings> = {}, call: Call = {}): Promise<Response> {
  const { deadlineMs = 30_000, signal = new AbortController().signal, body } = call
  const method = body === undefined ? 'GET' : 'POST'
  const outgoing = new Outgoing({ allowPrivate: false, ...settings })
  return outgoing.fetch(url, { method, headers: {}, signal, deadlineMs, ...(body === undefined ? {} : { body }) })
}

/** What the call fails with. */
async function faultOf(call: Promise<unknown>): Promise<OutgoingFault> {
  const fault = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (fault instanceof OutgoingFault) return fault
  throw new Error('There was no such fault.', { cause: fault })
}

describe('an address', () => {
  test.each([
    ['0.0.0.0', 'this machine'],
    ['0.1.2.3', 'this network'],
    ['10.0.0.1', 'private'],
    ['100.64.0.1', 'shared by a carrier'],
    ['100.127.255.254', 'shared by a carrier'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['169.254.169.254', 'metadata of a cloud'],
    ['172.16.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['192.0.0.8', 'reserved'],
    ['192.0.2.1', 'documentation'],
    ['192.88.99.1', 'relay'],
    ['192.168.1.1', 'private'],
    ['198.18.0.1', 'benchmarks'],
    ['198.51.100.7', 'documentation'],
    ['203.0.113.9', 'documentation'],
    ['224.0.0.1', 'multicast'],
    ['239.255.255.250', 'multicast'],
    ['240.0.0.1', 'reserved'],
    ['255.255.255.255', 'broadcast'],
    ['::', 'this machine'],
    ['::1', 'loopback'],
    ['::127.0.0.1', 'IPv4 in IPv6, old'],
    ['::ffff:127.0.0.1', 'IPv4 in IPv6'],
    ['::ffff:7f00:1', 'IPv4 in IPv6'],
    ['::ffff:169.254.169.254', 'IPv4 in IPv6'],
    ['::ffff:0:127.0.0.1', 'translated'],
    ['64:ff9b::7f00:1', 'translated'],
    ['64:ff9b:1::a00:1', 'translated'],
    ['100::1', 'discarded'],
    ['2001::1', 'Teredo'],
    ['2001:db8::1', 'documentation'],
    ['2002:7f00:1::1', '6to4'],
    ['3fff::1', 'documentation'],
    ['fc00::1', 'unique local'],
    ['fd00:ec2::254', 'metadata of a cloud'],
    ['fe80::1', 'link-local'],
    ['fe80::1%eth0', 'link-local'],
    ['fec0::1', 'site-local'],
    ['ff02::1', 'multicast'],
    ['4000::1', 'not given out'],
    ['localhost', 'no address'],
    ['', 'no address'],
  ])('%s is not public: %s', (address) => {
    expect(isPublic(address)).toBe(false)
  })

  test.each([
    '1.1.1.1',
    '8.8.8.8',
    '100.63.255.255',
    '100.128.0.1',
    '172.15.0.1',
    '172.32.0.1',
    '192.169.0.1',
    '223.255.255.254',
    '2606:4700::1111',
    '2a00:1450:4001::8a',
    '::ffff:8.8.8.8',
  ])('%s is public', (address) => {
    expect(isPublic(address)).toBe(true)
  })
})

describe('a service in the private network', () => {
  test.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://017700000001/',
    'http://0/',
    'http://１２７.0.0.1/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://169.254.169.254/latest/meta-data/',
    'http://localhost/',
    'http://localhost./',
  ])('is not asked by %s', async (url) => {
    const fault = await faultOf(get(url))
    expect(fault.reason).toBe('refused')
    expect(fault.message).toContain('OUTGOING_ALLOW_PRIVATE')
  })

  test('is not asked by a name that leads there, and the fault tells which', async () => {
    const { asked, url } = service()
    const fault = await faultOf(get(url('ai.example.com'), { resolve: async () => ['127.0.0.1'] }))
    expect(fault).toMatchObject({
      reason: 'refused',
      message: 'ai.example.com (127.0.0.1) is no public address; OUTGOING_ALLOW_PRIVATE=true allows it',
    })
    expect(asked).toEqual([])
  })

  test('is not asked where only one of the addresses of a name leads there, wherever it stands', async () => {
    const { asked, url } = service()
    const addresses = ['8.8.8.8', '1.1.1.1', '9.9.9.9', '2606:4700::1111', '127.0.0.1']
    for (const found of [addresses, addresses.toReversed()]) {
      expect((await faultOf(get(url('ai.example.com'), { resolve: async () => found }))).reason).toBe('refused')
    }
    expect(asked).toEqual([])
  })

  test('is asked where that is allowed, by the name of the URL', async () => {
    const { asked, port, url } = service()
    const response = await get(url('ai.example.com'), { allowPrivate: true, resolve: async () => ['127.0.0.1'] })
    expect(await response.text()).toBe('here')
    expect(asked).toEqual([`ai.example.com:${port} /path`])
  })
})

describe('a name', () => {
  test('is looked up once for a request: what was looked at is what is connected to', async () => {
    const { asked, url } = service()
    const answers = [['127.0.0.1'], ['10.0.0.1']]
    const lookups: string[] = []
    const resolve = async (host: string) => {
      lookups.push(host)
      return answers[lookups.length - 1] ?? []
    }
    expect((await get(url('rebinding.example.com'), { allowPrivate: true, resolve })).status).toBe(200)
    expect(lookups).toEqual(['rebinding.example.com'])
    expect(asked).toHaveLength(1)
  })

  test('that has no address, or is not known, cannot be reached', async () => {
    const nowhere = { allowPrivate: true, resolve: async () => [] }
    expect((await faultOf(get('http://ai.example.com/', nowhere))).reason).toBe('unreachable')
    const unknown = { allowPrivate: true, resolve: () => Promise.reject(new Error('ENOTFOUND')) }
    expect((await faultOf(get('http://ai.example.com/', unknown))).reason).toBe('unreachable')
  })

  test('that no resolver answers for ends at the deadline', async () => {
    const silent = { allowPrivate: true, resolve: never }
    expect((await faultOf(get('http://ai.example.com/', silent, { deadlineMs: 20 }))).reason).toBe('late')
  })

  test('with several addresses is asked at the next where one does not take the connection, and once', async () => {
    const { asked, url } = service()
    // Nobody listens at that port of the first.
    const found = { allowPrivate: true, resolve: async () => ['127.0.0.2', '127.0.0.1'] }
    const response = await get(url('ai.example.com'), found, { body: 'said once' })
    expect(await response.text()).toBe('here')
    expect(asked).toHaveLength(1)
  })

  test('must be the one that the certificate was made for', async () => {
    const { private: key, cert } = await generate([{ name: 'commonName', value: 'ai.example.com' }], {
      algorithm: 'sha256',
    })
    const server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      tls: { key, cert },
      fetch: (request) => new Response(request.headers.get('host')),
    })
    CLOSE.push(() => server.stop(true))
    const here = { allowPrivate: true, resolve: async () => ['127.0.0.1'], ca: cert }
    const name = `ai.example.com:${server.port}`
    expect(await (await get(`https://${name}/`, here)).text()).toBe(name)
    // Also while a connection that the right name opened is still there.
    expect((await faultOf(get(`https://other.example.com:${server.port}/`, here))).reason).toBe('unreachable')
    expect((await faultOf(get(`https://127.0.0.1:${server.port}/`, here))).reason).toBe('unreachable')
    const { ca: _, ...untrusting } = here
    expect((await faultOf(get(`https://${name}/`, untrusting))).reason).toBe('unreachable')
  })
})

describe('a URL', () => {
  test.each([
    'file:///etc/passwd',
    'ftp://example.com/',
    'data:text/plain,hi',
    'blob:x',
    'javascript:1',
    '',
    'nothing',
  ])('like “%s” is not asked', async (url) => {
    expect((await faultOf(get(url, { allowPrivate: true }))).reason).toBe('refused')
  })

  test('with a password in it is not asked, nor told', async () => {
    const fault = await faultOf(get('http://ann:hidden@example.com/', { allowPrivate: true }))
    expect(fault.reason).toBe('refused')
    expect(fault.message).not.toContain('hidden')
  })

  test('is told by its host alone', async () => {
    const { url } = service()
    const fault = await faultOf(get(url('127.0.0.1')))
    expect(fault.message).not.toContain('hidden')
  })
})

describe('an answer', () => {
  test('that sends elsewhere is not followed', async () => {
    const inside = service()
    const outside = service(() => Response.redirect(inside.url('127.0.0.1'), 307))
    const response = await get(outside.url('127.0.0.1'), { allowPrivate: true })
    expect(response.status).toBe(307)
    expect(inside.asked).toEqual([])
  })

  test('whose headers do not come is late', async () => {
    const { url } = service(never)
    const fault = await faultOf(get(url('127.0.0.1'), { allowPrivate: true }, { deadlineMs: 20 }))
    expect(fault.reason).toBe('late')
  })

  test('that nobody wants any more ends with the reason of that', async () => {
    const stop = new AbortController()
    const { url } = service(() => {
      stop.abort(new Error('stopped'))
      return never()
    })
    await expect(get(url('127.0.0.1'), { allowPrivate: true }, { signal: stop.signal })).rejects.toThrow('stopped')
    const before = AbortSignal.abort(new Error('stopped before'))
    await expect(get(url('127.0.0.1'), { allowPrivate: true }, { signal: before })).rejects.toThrow('stopped before')
  })

  test('of a connection that breaks, or is refused, is a fault', async () => {
    const breaking = Bun.listen({
      port: 0,
      hostname: '127.0.0.1',
      socket: { data: (socket) => void socket.terminate() },
    })
    CLOSE.push(() => breaking.stop(true))
    const gone = Bun.listen({ port: 0, hostname: '127.0.0.1', socket: { data() {} } })
    gone.stop(true)
    for (const { port } of [breaking, gone]) {
      expect((await faultOf(get(`http://127.0.0.1:${port}/`, { allowPrivate: true }))).reason).toBe('unreachable')
    }
  })

  test('is read up to a bound', async () => {
    const { url } = service(() => new Response('æ'.repeat(50)))
    const read = async (maxBytes: number) => textOf(await get(url('127.0.0.1'), { allowPrivate: true }), maxBytes)
    expect(await read(100)).toBe('æ'.repeat(50))
    expect(await read(99)).toBeUndefined()
  })

  test('without an end is read up to that bound, and left', async () => {
    const left = Promise.withResolvers<void>()
    const { url } = service(
      () =>
        new Response(
          new ReadableStream({
            pull: (stream) => stream.enqueue(new Uint8Array(1024)),
            cancel: () => left.resolve(),
          }),
        ),
    )
    expect(await textOf(await get(url('127.0.0.1'), { allowPrivate: true }), 65_536)).toBeUndefined()
    await left.promise
  })

  test('that is packed is not unpacked: a few bytes could stand for very many', async () => {
    const packed = Bun.gzipSync(new Uint8Array(1_000_000))
    const { url } = service(() => new Response(packed, { headers: { 'content-encoding': 'gzip' } }))
    const response = await get(url('127.0.0.1'), { allowPrivate: true })
    expect((await response.bytes()).byteLength).toBe(packed.byteLength)
  })
})
