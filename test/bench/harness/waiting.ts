const PATIENCE_MS = 20_000

/** Resolves once `fact` holds, which it asks for every `everyMs`. Throws after 20 seconds. */
export async function until(what: string, fact: () => Promise<boolean>, everyMs = 20): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!(await fact())) {
    if (performance.now() > deadline) throw new Error(`Waited ${PATIENCE_MS} ms in vain until ${what}.`)
    await Bun.sleep(everyMs)
  }
}

/** Of this machine. Nothing keeps it free: use it at once. */
export async function freePort(): Promise<number> {
  const listener = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } })
  const { port } = listener
  listener.stop(true)
  return port
}
