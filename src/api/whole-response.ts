import type { Context, ElysiaCustomStatusResponse } from 'elysia'

/**
 * Answers with a Response of our own making, which has the headers that hooks have set so far, and these. `Body` is what
 * its body holds: the type says so to Elysia, which sends a Response as it is, and to Eden.
 */
export function wholeResponse<Status extends number, Body>(
  set: Context['set'],
  body: ConstructorParameters<typeof Response>[0],
  { status, headers: more }: { status: number; headers: Record<string, string> },
): ElysiaCustomStatusResponse<Status, Body> {
  // A header that may come several times, which Elysia keeps as a list, is a cookie's only; those are not in here.
  const headers = Object.assign(set.headers as Record<string, string>, more)
  // What is left there Elysia would merge by making the response anew, at the price of a stream of its body.
  set.headers = {}
  return new Response(body, { status, headers }) as unknown as ElysiaCustomStatusResponse<Status, Body>
}
