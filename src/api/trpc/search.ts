import { SearchQuery, SearchResult } from '../../contract/search.ts'
import type { Authenticator } from '../../domain/accounts/authenticator.ts'
import type { ChatServices } from '../../domain/chats/services.ts'
import { router } from './init.ts'
import { signedInProcedure } from './signed-in.ts'

/** Search as a procedure: the same service, the same schemas. */
export function searchRouter({ search }: Pick<ChatServices, 'search'>, authenticator: Authenticator) {
  return router({
    messages: signedInProcedure(authenticator)
      .input(SearchQuery)
      .output(SearchResult)
      .query(({ ctx, input }) => search.search(ctx.actor, input)),
  })
}
