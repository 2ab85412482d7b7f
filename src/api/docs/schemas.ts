import { z } from 'zod'

export type JsonSchema = Readonly<Record<string, unknown>>

/** The schemas of one OpenAPI document. Those with a name (`.meta({ id })`) are told once, in `components.schemas`. */
export class Schemas {
  readonly #components = new Map<string, JsonSchema>()

  /** By name, for `components.schemas`. */
  get components(): Record<string, JsonSchema> {
    return Object.fromEntries([...this.#components].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  /** `input` is what may be sent, `output` what comes back. The JSON Schema is a `$ref` when `schema` has a name. */
  add(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
    const {
      $defs = {},
      $schema: _,
      ...own
    } = z.toJSONSchema(schema, {
      io,
      override: ({ zodSchema, jsonSchema }) => {
        readable(jsonSchema)
        // What comes back may grow: only a schema that says so itself is closed.
        if (zodSchema._zod.def.type === 'object' && zodSchema._zod.def.catchall === undefined) {
          delete jsonSchema.additionalProperties
        }
      },
    })
    for (const [name, component] of Object.entries($defs)) this.#name(name, refer(component))
    return refer(own)
  }

  #name(name: string, component: JsonSchema): void {
    const known = this.#components.get(name)
    if (known !== undefined && !Bun.deepEquals(known, component)) {
      throw new Error(
        `Two schemas are called ${name}, or what is sent as ${name} is not what comes back: name them apart`,
      )
    }
    this.#components.set(name, component)
  }
}

/** Drops what a reader has no use for: the pattern that spells a known format out, and the bounds of every integer. */
function readable(schema: z.core.JSONSchema.BaseSchema): void {
  if (schema.format !== undefined) delete schema.pattern
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum
}

/** The same schema, whose references lead into the document. */
function refer(schema: JsonSchema): JsonSchema {
  return JSON.parse(JSON.stringify(schema), (key, value: unknown) =>
    key === '$ref' && typeof value === 'string' ? value.replace('#/$defs/', '#/components/schemas/') : value,
  )
}

/** The examples that a schema was given; a list without its own shows those of its items, a choice those of its parts. */
export function examplesOf(schema: z.ZodType): readonly unknown[] {
  const own = schema.meta()?.['examples']
  if (Array.isArray(own)) return own
  if (schema instanceof z.ZodUnion) {
    return schema.options.flatMap((option) => (option instanceof z.ZodType ? examplesOf(option) : []))
  }
  if (!(schema instanceof z.ZodArray && schema.element instanceof z.ZodType)) return []
  const items = examplesOf(schema.element)
  return items.length === 0 ? [] : [items]
}
