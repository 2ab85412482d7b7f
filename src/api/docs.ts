import { Elysia } from 'elysia'
import type { Config } from '../config.ts'
import { Refusal } from '../domain/refusal.ts'
import { assetOf } from './docs/assets.ts'
import { openApiDocument } from './docs/document.ts'
import type { Route } from './docs/operation.ts'
import { redocPage, swaggerPage } from './docs/pages.ts'
import { Stored } from './docs/stored.ts'

const detail = { hide: true }

/**
 * The API's description and two pages that show it, all from this server. Nothing is made before it is asked for;
 * `routes` is called once every route is there. Put together in statements: what a chain returns would make the pages part
 * of the type that clients are written against.
 */
export function docsRoutes(config: Config, routes: () => readonly Route[]) {
  const docs = new Elysia({ name: 'docs' })
  const serve = (path: string, make: () => Stored) => {
    let made: Stored | undefined
    docs.get(
      path,
      ({ request }) => {
        made ??= make()
        return made.answer(request)
      },
      { detail },
    )
  }
  serve('/openapi.json', () => descriptionOf(config, routes()))
  serve('/docs', () => swaggerPage(config))
  serve('/redoc', () => redocPage(config))
  docs.get(
    '/docs/assets/:name',
    async ({ params, request }) => {
      const asset = await assetOf(params.name)
      if (asset === undefined) throw new Refusal('not_found')
      return asset.answer(request)
    },
    { detail },
  )
  return docs
}

function descriptionOf(config: Config, routes: readonly Route[]): Stored {
  return new Stored(JSON.stringify(openApiDocument(config, routes)), {
    'content-type': 'application/json;charset=utf-8',
    'cache-control': 'no-cache',
  })
}
