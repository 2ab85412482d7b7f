import { readFileSync } from 'node:fs'

const SAMPLE_MS = 20

/** The most memory that a process holds while `work` goes on, in bytes (Linux; else 0). */
export async function peakMemory(pid: number, work: Promise<unknown>): Promise<number> {
  let peak = 0
  let busy = true
  const done = work.finally(() => {
    busy = false
  })
  done.catch(() => {})
  while (busy) {
    peak = Math.max(peak, memoryOf(pid))
    await Bun.sleep(SAMPLE_MS)
  }
  await done
  return peak
}

function memoryOf(pid: number): number {
  try {
    const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return Number(kilobytes ?? 0) * 1024
  } catch {
    return 0
  }
}
