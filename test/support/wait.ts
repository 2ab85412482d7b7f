const LIMIT_MS = 30_000
const POLL_MS = 5

/** Waits until the condition holds: asks again and again instead of sleeping for a guessed time. */
export async function until(condition: () => boolean | Promise<boolean>, what = 'the condition'): Promise<void> {
  const end = performance.now() + LIMIT_MS
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`Waited ${LIMIT_MS / 1000} s in vain for ${what}`)
    await Bun.sleep(POLL_MS)
  }
}
