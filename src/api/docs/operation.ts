import { z } from 'zod'
import { examplesOf, type JsonSchema, type Schemas } from './schemas.ts'

/** As much of a route as its documentation is made of. */
export type Route = {
  readonly method: string
  readonly path: string
  readonly hooks: {
    readonly params?: unknown
    readonly query?: unknown
    readonly body?: unknown
    readonly response?: unknown
    readonly detail?: Detail | undefined
  }
}

/**
 * What a route says of itself in `detail`. A response told there is laid over the one that its schema makes; a body told
 * there tells its media type, or, with a schema, all of it; parameters told there come after those of its schemas.
 */
type Detail = {
  readonly hide?: boolean
  readonly requestBody?: object
  readonly parameters?: readonly object[]
  readonly responses?: Readonly<Record<string, ToldResponse | undefined>>
}

type ToldResponse = { readonly headers?: object; readonly content?: object }

export const REQUEST_ID_HEADER = {
  description: 'What the log of the server calls this request.',
  schema: { type: 'string' },
  example: '0198f3a0-5c1e-7a4b-9d2e-3f6a7b8c9d0e',
}

/** The OpenAPI operation of a route. Its schemas go to `schemas`. */
export function operationOf({ hooks }: Route, schemas: Schemas): object {
  const { hide: _, responses: told = {}, requestBody, parameters: more = [], ...detail } = hooks.detail ?? {}
  const parameters = [
    ...parametersOf('path', hooks.params, schemas),
    ...parametersOf('query', hooks.query, schemas),
    ...more,
  ]
  return {
    ...detail,
    ...(parameters.length > 0 && { parameters }),
    ...requestBodyOf(hooks.body, requestBody, schemas),
    responses: Object.fromEntries(
      Object.entries(responseSchemas(hooks.response)).map(([status, schema]) => [
        status,
        responseOf(status, schema, told[status] ?? {}, schemas),
      ]),
    ),
  }
}

/** A body that is read as it comes is told whole in `detail`: its route has no schema to check it by. */
function requestBodyOf(body: unknown, told: object | undefined, schemas: Schemas): { requestBody?: object } {
  const mediaType = mediaTypeOf(told)
  if (mediaType !== undefined && Whole.safeParse(told).data?.content[mediaType]?.schema)
    return { requestBody: told ?? {} }
  return body instanceof z.ZodType ? { requestBody: bodyOf(body, mediaType, schemas) } : {}
}

const Whole = z.object({ content: z.record(z.string(), z.object({ schema: z.object().optional() })) })

function bodyOf(schema: z.ZodType, mediaType: string | undefined, schemas: Schemas): object {
  const inner = schema instanceof z.ZodOptional ? schema.unwrap() : undefined
  return inner instanceof z.ZodType
    ? { required: false, content: content(inner, 'input', schemas, mediaType) }
    : { required: true, content: content(schema, 'input', schemas, mediaType) }
}

function parametersOf(place: 'path' | 'query', schema: unknown, schemas: Schemas): object[] {
  if (!(schema instanceof z.ZodObject)) return []
  const { properties = {}, required = [] } = ObjectSchema.parse(schemas.add(schema, 'input'))
  return Object.entries(properties).map(([name, { description, examples, ...own }]) => ({
    name,
    in: place,
    required: required.includes(name),
    ...(description !== undefined && { description }),
    ...(examples?.[0] !== undefined && { example: examples[0] }),
    schema: own,
  }))
}

const ObjectSchema = z.object({
  properties: z
    .record(
      z.string(),
      z.looseObject({ description: z.string().optional(), examples: z.array(z.unknown()).optional() }),
    )
    .optional(),
  required: z.array(z.string()).optional(),
})

function responseSchemas(response: unknown): Record<string, unknown> {
  if (response instanceof z.ZodType) return { 200: response }
  return typeof response === 'object' && response !== null ? { ...response } : {}
}

function responseOf(status: string, schema: unknown, told: ToldResponse, schemas: Schemas): object {
  if (schema instanceof z.ZodOptional) return responseOf(status, schema.unwrap(), told, schemas)
  // A socket's answer is Bun's own: it has no header of ours.
  const common = status === '101' ? {} : { 'x-request-id': { $ref: '#/components/headers/RequestId' } }
  const description = (schema instanceof z.ZodType ? schema.description : undefined) ?? `Status ${status}`
  return {
    description,
    ...(schema instanceof z.ZodType &&
      !(schema instanceof z.ZodVoid) &&
      told.content === undefined && { content: content(schema, 'output', schemas) }),
    ...told,
    headers: { ...common, ...told.headers },
  }
}

function mediaTypeOf(body: object | undefined): string | undefined {
  const told = z.object({ content: z.record(z.string(), z.unknown()) }).safeParse(body).data?.content
  return told && Object.keys(told)[0]
}

function content(schema: z.ZodType, io: 'input' | 'output', schemas: Schemas, mediaType = 'application/json'): object {
  const examples = examplesOf(schema).map((value, index) => [exampleName(value, index), { value }] as const)
  const media: { schema: JsonSchema; examples?: object } = { schema: schemas.add(schema, io) }
  if (examples.length > 0) media.examples = Object.fromEntries(examples)
  return { [mediaType]: media }
}

/** Errors and frames say themselves which one they are. */
function exampleName(value: unknown, index: number): string {
  const { reason, type } = ExampleNames.safeParse(value).data ?? {}
  return reason ?? type ?? (index === 0 ? 'example' : `example ${index + 1}`)
}

const ExampleNames = z.object({ reason: z.string().optional(), type: z.string().optional() })
