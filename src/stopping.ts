/** One thing that is done to stop. It gets `ms` milliseconds at most. */
export type Step = { name: string; ms: number; run(): unknown }

/** Whatever has not ended by then is left: a process ends within 10 seconds of the signal. */
export const EXIT_MS = 9000
/** All steps together; the rest is for the log. */
const STEPS_MS = EXIT_MS - 300
/** Kept for each step that is still to come, whatever those before it take. */
const KEPT_MS = 150

/**
 * One after the other. A step that fails or takes too long is told of, and left: it holds up none of the others, also where
 * it fails later, which would end the process in the middle of them. All together take less than `EXIT_MS`.
 */
export async function stopInTurn(
  steps: readonly Step[],
  tell: (fault: unknown, step: string) => void,
  within = STEPS_MS,
): Promise<void> {
  const endsAt = Date.now() + within
  for (const [index, { name, ms, run }] of steps.entries()) {
    const left = endsAt - Date.now() - KEPT_MS * (steps.length - index - 1)
    const given = Math.min(ms, Math.max(left, 0))
    const done = Promise.try(run).then(
      () => 'done',
      (fault: unknown) => {
        tell(fault, name)
        return 'done'
      },
    )
    const outcome = await Promise.race([done, Bun.sleep(given).then(() => 'late')])
    if (outcome === 'late') tell(new Error(`It did not end within ${given} ms.`), name)
  }
}
