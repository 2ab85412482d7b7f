import { readFile, writeFile } from 'node:fs/promises'

// What a process uses, from Linux's /proc; 0 where there is none.

/** CPU time so far in microseconds, of all its threads. */
export async function cpuTime(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // The fields after the name, which may hold anything but is in brackets: user and system time in ticks of 10 ms.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * 10_000
}

/** Bytes of memory that it holds now. */
export function residentOf(pid: number): Promise<number> {
  return statusOf(pid, 'VmRSS')
}

/** The most that it held since it began, or since `forgetPeak`. */
export function peakOf(pid: number): Promise<number> {
  return statusOf(pid, 'VmHWM')
}

export async function forgetPeak(pid: number): Promise<void> {
  // As proc(5) has it.
  await writeFile(`/proc/${pid}/clear_refs`, '5').catch(() => {})
}

async function statusOf(pid: number, field: 'VmRSS' | 'VmHWM'): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(new RegExp(`^${field}:\\s*(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024
}
