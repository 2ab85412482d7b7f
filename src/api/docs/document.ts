import type { Config } from '../../config.ts'
import { operationOf, REQUEST_ID_HEADER, type Route } from './operation.ts'
import { Schemas } from './schemas.ts'

const METHODS = new Set(['get', 'post', 'put', 'patch', 'delete'])

const TAGS = [
  {
    name: 'Sessions',
    description: 'Conversations that expire. A session is there from its first message on, and is named by the client.',
  },
  { name: 'Health', description: 'For balancers, orchestrators and people who look after the server.' },
]

const DESCRIPTION = `
A self-hosted chat backend.

Every answer is JSON in UTF-8; times are ISO 8601, UTC, with milliseconds. Unknown fields in a body are ignored.

## Errors

An error is \`{"detail", "reason"}\`: \`detail\` is for people, \`reason\` for programs. With the reason \`invalid\` (422),
\`detail\` is a list of \`{"loc", "msg", "type"}\`, one for each fault; \`loc\` is the part of the request and the path in it.
An unexpected fault of the server (500) has the \`request_id\` that its log knows it by. Beside the answers told with each
operation, any address may answer 400 \`host_invalid\`, 404 \`not_found\`, and 405 \`method_not_allowed\` with an \`Allow\` header.
`.trim()

/** The OpenAPI 3.1 document of the routes that are not hidden. */
export function openApiDocument(config: Config, routes: readonly Route[]): object {
  const schemas = new Schemas()
  const paths: Record<string, Record<string, object>> = {}
  for (const route of routes) {
    const method = route.method.toLowerCase()
    if (route.hooks.detail?.hide || !METHODS.has(method)) continue
    const path = pathTemplate(route.path)
    paths[path] = { ...paths[path], [method]: operationOf(route, schemas) }
  }
  return {
    openapi: '3.1.1',
    info: {
      title: `${config.name} API`,
      version: config.version,
      description: DESCRIPTION,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: config.publicUrl }],
    tags: TAGS,
    security: [],
    paths,
    components: { schemas: schemas.components, headers: { RequestId: REQUEST_ID_HEADER } },
  }
}

/** `/sessions/:id/` as `/sessions/{id}`. */
export function pathTemplate(path: string): string {
  return path.replace(/:(\w+)/g, '{$1}').replace(/(.)\/$/, '$1')
}
