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

/** To watchers.ts. */
export const WatchOrder = z.object({
  port: z.int(),
  path: z.string(),
  watchers: z.int(),
  /** So many of the watchers post. */
  posters: z.int(),
  /** Messages that each poster has under way: it posts the next when one comes back. */
  window: z.int(),
  contentLength: z.int(),
  warmMs: z.number(),
  measureMs: z.number(),
})

export const WatchOutcome = z.object({
  messages: z.int(),
  deliveriesPerSecond: z.number(),
  frameBytes: z.int(),
})
