/** Between two looks at what the process does. */
const LOOK_MS = 2000
/** Microseconds of CPU time in that time, below which it does nothing to speak of: 2.5 percent of one core. */
const IDLE_CPU = 50_000

/**
 * Gives back, once the process has become idle after work, what the work left in memory. The engine collects as it
 * allocates: a process that falls silent after a wave of connections would keep the wave's garbage for as long as it is
 * silent. A whole collection takes some hundredths of a second, in which nobody wants anything. Returns the call that ends
 * it.
 */
export function collectWhenIdle(
  collect: () => void = () => Bun.gc(true),
  cpuTime: () => NodeJS.CpuUsage = () => process.cpuUsage(),
  lookMs = LOOK_MS,
): () => void {
  let last = cpuTime()
  let worked = true
  const timer = setInterval(() => {
    const now = cpuTime()
    const spent = now.user + now.system - last.user - last.system
    last = now
    if (spent > IDLE_CPU) {
      worked = true
      return
    }
    if (!worked) return
    worked = false
    collect()
    // The collection is no work of its own.
    last = cpuTime()
  }, lookMs)
  timer.unref()
  return () => clearInterval(timer)
}
