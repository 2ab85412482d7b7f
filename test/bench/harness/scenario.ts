import type { Ground } from './ground.ts'

/** One figure, and what else is worth knowing about how it came about. */
export type Measured = { value: number; note?: string }

/** Opens what it measures (once; `ground` stops it again) and returns the measuring, which is called once per round. */
export type Side = (ground: Ground) => Promise<() => Promise<Measured>>

export type Target =
  | { of: 'ratio' | 'difference' | 'ours'; atLeast: number }
  | { of: 'ratio' | 'difference' | 'ours'; atMost: number }

/** A row of the table. Without a `limit` only `ours` is held against the target; without a target it is for information. */
export type Scenario = {
  id: string
  what: string
  /** Of both figures and of their difference: 'posts/s', 'ms'. */
  unit: string
  ours: Side
  limit?: Side
  target?: Target
}

export type Outcome = {
  scenario: Scenario
  ours: Measured[]
  limit: Measured[]
  fault?: string
}

/**
 * Measures both sides by turns, so that whatever else the machine does falls on both alike, and starts with the other one
 * every other round. The first round warms up and is not counted.
 */
export async function measure(scenario: Scenario, ground: Ground, rounds: number): Promise<Outcome> {
  const outcome: Outcome = { scenario, ours: [], limit: [] }
  try {
    const { ours, limit } = scenario
    const sides = [{ take: await ours(ground), figures: outcome.ours }]
    if (limit !== undefined) sides.push({ take: await limit(ground), figures: outcome.limit })
    for (const side of sides) await side.take()
    for (let round = 0; round < rounds; round += 1) {
      for (const side of sides) side.figures.push(await side.take())
      sides.reverse()
    }
  } catch (error) {
    outcome.fault = error instanceof Error ? error.message : String(error)
  }
  return outcome
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2
}
