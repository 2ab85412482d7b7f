import { z } from 'zod'

const Media = z.looseObject({ schema: z.record(z.string(), z.unknown()), examples: z.record(z.string(), z.unknown()) })
/** What no example shows: bytes, alone or in a form. */
const Bytes = z.looseObject({ schema: z.record(z.string(), z.unknown()) })
const Response = z.looseObject({
  description: z.string().min(1),
  headers: z.record(z.string(), z.unknown()).optional(),
  // A 204 has none.
  content: z
    .strictObject({
      'application/json': Media.optional(),
      'application/octet-stream': Bytes.optional(),
      'image/webp': Bytes.optional(),
      'text/event-stream': Media.optional(),
    })
    .optional(),
})
const Operation = z.looseObject({
  operationId: z.string().regex(/^[a-z][A-Za-z]+$/),
  summary: z.string().min(1),
  description: z.string().min(1),
  tags: z.array(z.string()).length(1),
  parameters: z.array(z.looseObject({ name: z.string(), in: z.string(), schema: z.unknown() })).default([]),
  requestBody: z
    .looseObject({
      content: z.union([
        z.strictObject({ 'application/json': Media }),
        z.strictObject({ 'application/x-www-form-urlencoded': Media }),
        z.strictObject({ 'multipart/form-data': Bytes }),
      ]),
    })
    .optional(),
  security: z.array(z.partialRecord(z.enum(['bearer', 'apiKey', 'visitor']), z.tuple([]))).default([]),
  responses: z.record(z.string(), Response),
})
/** What this document must be beyond valid: nothing in it goes undescribed. */
export const Document = z.looseObject({
  openapi: z.string().startsWith('3.1.'),
  info: z.looseObject({ title: z.string(), version: z.string(), license: z.object({ name: z.literal('MIT') }) }),
  servers: z.array(z.object({ url: z.string() })),
  tags: z.array(z.object({ name: z.string(), description: z.string().min(1) })),
  paths: z.record(z.string(), z.record(z.string(), Operation)),
  components: z.looseObject({ schemas: z.record(z.string(), z.unknown()) }),
})
