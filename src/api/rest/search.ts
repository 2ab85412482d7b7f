import { Elysia } from 'elysia'
import { failures } from '../../contract/failures.ts'
import { SearchQuery, SearchResult } from '../../contract/search.ts'
import type { Authenticator } from '../../domain/accounts/authenticator.ts'
import type { ChatServices } from '../../domain/chats/services.ts'
import { encoded } from '../encoded.ts'
import { SECURITY, SIGNED_IN, signedIn } from '../plugins/signed-in.ts'

/** Messages by their words. */
export function searchRoutes({ search }: ChatServices, authenticator: Authenticator) {
  return new Elysia({ name: 'rest/search', prefix: '/api/search', detail: { security: SECURITY } })
    .use(signedIn(authenticator))
    .get(
      '/',
      async ({ actor, query, set }) =>
        encoded<200, SearchResult>(set, 200, JSON.stringify(await search.search(actor, query))),
      {
        query: SearchQuery,
        response: {
          200: SearchResult,
          ...failures(...SIGNED_IN, 'forbidden', 'chat_missing', 'invalid', 'overloaded', 'internal'),
        },
        detail: {
          tags: ['Search'],
          operationId: 'searchMessages',
          summary: 'Find messages by their words',
          description:
            "In the account's own chats, on every branch. Deleted messages and chats are not found, an edited message by " +
            'what it says now. Words are looked for as they are written, in any language that puts blanks between them.',
        },
      },
    )
}
