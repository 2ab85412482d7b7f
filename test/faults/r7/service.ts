import { randomOf, replacementOf, type Script, scriptOf, shuffled } from './script.ts'

// The AI service, in a process of its own. It takes questions that tell it how to behave, and is as bad as they say. Where
// it calls back and is not answered, or with 5xx, it calls again.

/** Between two tries of one call, and how often it is tried. */
const AGAIN_MS = 50
const TRIES = 600
/** What one call may take. */
const CALL_MS = 10_000
/** Chunks of one answer that are on their way at once, where their order does not matter. */
const AT_ONCE = 6
/** An endless answer has ended by then, or never will. */
const ENDLESS_MAX = 200

/** Calls back by their status; 0: not answered. */
const statuses: Record<string, number> = {}
const refused = new Set<string>()
let asked = 0

type Call =
  | { type: 'chunk'; content: string; seq?: number }
  | { type: 'complete'; content?: string; seq?: number; sources?: object[] }

/** Resolves to the status that it was answered with in the end. */
async function call(url: string, body: Call, tries = TRIES): Promise<number> {
  for (let left = tries; ; left -= 1) {
    const status = await once(url, body)
    if ((status !== 0 && status < 500) || left <= 1) return status
    await Bun.sleep(AGAIN_MS)
  }
}

async function once(url: string, body: Call, signal = AbortSignal.timeout(CALL_MS)): Promise<number> {
  const status = await post(url, body, signal)
  statuses[status] = (statuses[status] ?? 0) + 1
  return status
}

async function post(url: string, body: Call, signal: AbortSignal): Promise<number> {
  try {
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body), signal })
    await answer.body?.cancel()
    return answer.status
  } catch {
    return 0
  }
}

async function answer(question: string, script: Script, url: string): Promise<void> {
  const random = randomOf(Number.parseInt(question, 10) + 1_000_000)
  const chunks = script.pieces.map((content, seq): Call => ({ type: 'chunk', content, seq }))
  const end: Call = { type: 'complete', seq: chunks.length, sources: [{ title: question }] }
  switch (script.mode) {
    case 'unnumbered':
      for (const content of script.pieces) {
        // Whether one that was not answered has arrived is not known: to say it again might say it twice.
        if ((await call(url, { type: 'chunk', content }, 1)) !== 200) return
      }
      await call(url, { type: 'complete' })
      return
    case 'repeated':
      for (const chunk of chunks)
        await Promise.all([call(url, chunk), call(url, chunk), random() < 0.5 && call(url, chunk)])
      await Promise.all([call(url, end), call(url, end)])
      return
    case 'reordered':
      await together([...shuffled([...chunks, ...chunks.slice(0, 5)], random), end], (one) => call(url, one))
      return
    case 'retried':
      await together(shuffled([...chunks, end], random), async (one) => {
        // Hung up on, whether it has arrived or not.
        const hungUp = new AbortController()
        setTimeout(() => hungUp.abort(), random() * 10)
        await once(url, one, hungUp.signal)
        await call(url, one)
      })
      return
    case 'whole':
      await call(url, { type: 'complete', content: script.pieces.join('') })
      return
    case 'replaced':
      for (const chunk of chunks) await call(url, chunk)
      await call(url, { type: 'complete', content: replacementOf(script) })
      return
    case 'dies':
      for (const chunk of chunks.slice(0, script.sent)) await call(url, chunk)
      return
    case 'gap':
      await together(shuffled([...chunks.toSpliced(script.sent, 1), end], random), (one) => call(url, one))
      return
    case 'endless':
      for (let count = 0; count < ENDLESS_MAX; count += 1) {
        for (const content of script.pieces)
          if ((await call(url, { type: 'chunk', content, seq: count })) === 409) return
      }
      return
    default:
      for (const chunk of chunks) await call(url, chunk)
      await call(url, end)
  }
}

/** Some at a time, in this order. */
async function together(calls: readonly Call[], make: (one: Call) => Promise<unknown>): Promise<void> {
  const left = [...calls]
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) await make(next)
    }),
  )
}

async function take(request: Request): Promise<Response> {
  if (new URL(request.url).pathname === '/figures') return Response.json({ asked, statuses })
  const { message, callback_url } = (await request.json()) as { message: string; callback_url: string }
  asked += 1
  const script = scriptOf(message)
  if (script.mode === 'refuses') return new Response('sk-secret-of-the-service', { status: 500 })
  if (script.mode === 'refuses once' && !refused.has(message)) {
    refused.add(message)
    return new Response('no', { status: 500 })
  }
  if (script.mode === 'hangs') await new Promise(() => {})
  if (script.mode !== 'silent') void answer(message, script, callback_url)
  return new Response(null, { status: 202 })
}

const service = Bun.serve({
  hostname: '127.0.0.1',
  port: Number(process.env['PORT'] ?? 0),
  idleTimeout: 60,
  fetch: take,
})
console.log(service.port)
