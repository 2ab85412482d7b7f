import { z } from 'zod'
import { FAILURES, Issue, type Reason } from '../../src/contract/failures.ts'
import { LiveServerFrame } from '../../src/contract/live.ts'
import { ParleyError } from './errors.ts'

/** A refusal, also for a reason that this client does not know yet. */
const Refused = z.object({
  type: z.literal('refused'),
  id: z.string().nullable(),
  reason: z.string(),
  detail: z.union([z.string(), z.array(Issue)]),
  retry_after: z.number().optional(),
})
export type Refused = z.infer<typeof Refused>

/** A change of a kind that this client does not know yet. */
const Unknown = z
  .object({ chat_id: z.string(), seq: z.int(), at: z.string() })
  .transform(({ chat_id, seq }) => ({ chat_id, seq, type: 'unknown' as const }))

/** What the server says, as far as this client can understand it. */
export type LiveFrame = Exclude<LiveServerFrame, { type: 'refused' }> | Refused | z.infer<typeof Unknown>

export type FrameOf<T extends LiveFrame['type']> = Extract<LiveFrame, { type: T }>

const Typed = z.object({ type: z.string() })
const TYPES: ReadonlySet<string> = new Set(LiveServerFrame.options.map(({ shape }) => shape.type.value))

/** Those that this client understands: several where changes came about together. Throws for what breaks the contract. */
export function liveFrames(text: string): LiveFrame[] {
  const frame: unknown = JSON.parse(text)
  return (Array.isArray(frame) ? frame : [frame]).flatMap((one) => liveFrame(one) ?? [])
}

function liveFrame(frame: unknown): LiveFrame | undefined {
  const { type } = Typed.parse(frame)
  if (type === 'refused') return Refused.parse(frame)
  if (!TYPES.has(type)) return Unknown.safeParse(frame).data
  const known = LiveServerFrame.parse(frame)
  // Read above; the compiler does not know.
  return known.type === 'refused' ? undefined : known
}

export function errorOf({ reason, detail, retry_after }: Refused): ParleyError {
  return new ParleyError(statusOf(reason), { reason, detail, retry_after })
}

/** Whether the same may go well a moment later. */
export function isPassing({ reason }: Refused): boolean {
  const status = statusOf(reason)
  return status >= 500 || reason === ('too_many_requests' satisfies Reason)
}

/** The HTTP status of a reason. One that is unknown is taken for a fault of the client's. */
function statusOf(reason: string): number {
  return Object.entries(FAILURES).find(([known]) => known === reason)?.[1].status ?? 400
}
