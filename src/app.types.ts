import type { DefinitionBase, Elysia, MetadataBase, SingletonBase } from 'elysia'
import type { createApp } from './app.ts'

// A type that clients are written against, and nothing else: no code runs here. It is taken from a value, since the
// compiler writes the type of a value in full, where an alias would drag the server's own modules into the client. For
// the same reason the two interfaces are read by their one property.

type Route = { body: unknown; params: unknown; query: unknown; headers: unknown; response: unknown }

/** What Elysia supposes of a route that declares no 422. Its validation failures are ours: see api/plugins/failures.ts. */
type Supposed = { type: 'validation' }

/** What Eden would take anything for: no body is `undefined`, no query an empty one. */
type Declared<Input, Otherwise> = unknown extends Input ? Otherwise : Input

interface Documented<R extends Route> {
  route: {
    body: Declared<R['body'], undefined>
    params: R['params']
    query: Declared<R['query'], Record<string, never>>
    headers: Declared<R['headers'], Record<string, string>>
    response: {
      [Status in keyof R['response'] as R['response'][Status] extends Supposed ? never : Status]: R['response'][Status]
    }
  }
}

interface Tree<Routes> {
  routes: {
    [Key in keyof Routes]: Routes[Key] extends Route ? Documented<Routes[Key]>['route'] : Tree<Routes[Key]>['routes']
  }
}

declare const server: ReturnType<typeof createApp>
declare function documented<Routes extends Record<string, unknown>>(app: {
  '~Routes': Routes
}): Elysia<'', SingletonBase, DefinitionBase, MetadataBase, Tree<Routes>['routes']>

const app = documented(server.app)

/** Every route of the HTTP API. */
export type App = typeof app
