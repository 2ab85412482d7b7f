import { z } from 'zod'

/** To http.ts. */
export const HttpOrder = z.object({
  port: z.int(),
  connections: z.int(),
  /** Sent one after the other, and from the first again. */
  requests: z.array(z.object({ method: z.string(), path: z.string(), body: z.string().optional() })),
  /** Each connection sends one of them all the time: the first the first, the second the second. */
  apart: z.boolean().default(false),
  headers: z.record(z.string(), z.string()),
  /** Of every answer. */
  status: z.int(),
  /** First this many requests, then for so long: these are not counted. */
  warm: z.object({ requests: z.int(), ms: z.number() }),
  measureMs: z.number(),
})

export const HttpOutcome = z.object({
  /** All, the warm-up included. */
  answers: z.int(),
  perSecond: z.number(),
  bytesPerAnswer: z.number(),
})

/** To watchers.ts and live-watchers.ts. */
const Deliveries = z.object({
  /** Of the server whose CPU time is told: the first. */
  pid: z.int(),
  watchers: z.int(),
  /** So many of the watchers post. */
  posters: z.int(),
  /** Messages that each poster has under way: it posts the next when one comes back. */
  window: z.int(),
  contentLength: z.int(),
  warmMs: z.number(),
  measureMs: z.number(),
})
export type DeliveryOrder = z.infer<typeof Deliveries>

/** To watchers.ts. */
export const WatchOrder = Deliveries.extend({ port: z.int(), path: z.string() })

export const WatchOutcome = z.object({
  /** All, the warm-up included. */
  messages: z.int(),
  deliveriesPerSecond: z.number(),
  /** Microseconds, while it was measured. */
  cpuPerMessage: z.number(),
  frameBytes: z.int(),
})

/** To live-watchers.ts. */
export const LiveOrder = Deliveries.extend({
  /** The first half of the watchers goes to the first, the other half to the last; posters post at the first. */
  ports: z.array(z.int()).min(1),
  headers: z.record(z.string(), z.string()),
  chatId: z.string(),
})

/** To idlers.ts. */
export const IdleOrder = z.object({
  port: z.int(),
  pid: z.int(),
  headers: z.record(z.string(), z.string()),
  /** Each socket watches the next of them, and the first again. */
  chatIds: z.array(z.string()),
  sockets: z.int(),
  settleMs: z.number(),
})

export const IdleOutcome = z.object({ bytesPerSocket: z.number(), before: z.number(), after: z.number() })

/** To crossing.ts. */
export const CrossingOrder = z.object({
  from: z.int(),
  to: z.int(),
  headers: z.record(z.string(), z.string()),
  chatId: z.string(),
  posts: z.int(),
  everyMs: z.number(),
})

/** Milliseconds from sending a post at one instance until a watcher of the other, and of the same, has it. */
export const CrossingOutcome = z.object({
  p50: z.number(),
  p99: z.number(),
  sameP50: z.number(),
  sameP99: z.number(),
  extraP99: z.number(),
})

/** To paced-inserts.ts. */
export const PacedOrder = z.object({ databaseUrl: z.string(), rows: z.int(), everyMs: z.number() })

/** Milliseconds that an INSERT took. */
export const PacedOutcome = z.object({ p50: z.number(), p99: z.number() })

/** To uploads.ts. */
export const UploadOrder = z.object({
  port: z.int(),
  headers: z.record(z.string(), z.string()),
  count: z.int(),
  /** Of each file. */
  bytes: z.int(),
})

export const UploadOutcome = z.object({ ms: z.number() })

/** To answers.ts. */
export const AnswersOrder = z.object({
  port: z.int(),
  headers: z.record(z.string(), z.string()),
  /** Where it takes questions, as the AI service. */
  servicePort: z.int(),
  /** An answer is made in each of them. */
  chatIds: z.array(z.string()).min(1),
  watchers: z.int(),
  perSecond: z.int(),
  pieceLength: z.int(),
  warmMs: z.number(),
  measureMs: z.number(),
})

/** Milliseconds from when a piece was due until a watcher has it. */
export const AnswersOutcome = z.object({
  p50: z.number(),
  p99: z.number(),
  /** Pieces that were sent in the time that was measured, and how many a second. */
  pieces: z.int(),
  piecesPerSecond: z.number(),
  /** When the first of them was due and the last was told, in milliseconds since 1970. */
  from: z.number(),
  to: z.number(),
  /** Frames that told of all pieces, for each watcher. */
  frames: z.number(),
})
