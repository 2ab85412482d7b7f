import { Done } from '../../contract/accounts.ts'
import { FileLinks, FilePage, FilePageQuery, FileParams, FileWithContent } from '../../contract/files.ts'
import type { Authenticator } from '../../domain/accounts/authenticator.ts'
import type { FileService } from '../../domain/files/service.ts'
import { router } from './init.ts'
import { participatingProcedure, signedInProcedure } from './signed-in.ts'

/** Files but for their bytes: those go over REST. */
export function filesRouter(files: FileService, authenticator: Authenticator) {
  const signedIn = signedInProcedure(authenticator)
  const participating = participatingProcedure(authenticator)
  return router({
    list: signedIn
      .input(FilePageQuery.optional())
      .output(FilePage)
      .query(({ ctx, input: { skip = 0, limit = 100 } = {} }) => files.list(ctx.actor, { skip, limit })),

    get: signedIn
      .input(FileParams)
      .output(FileWithContent)
      .query(({ ctx, input }) => files.get(ctx.actor, input.file_id)),

    links: participating
      .input(FileParams)
      .output(FileLinks)
      .query(({ ctx, input }) => files.links(ctx.actor, input.file_id)),

    remove: signedIn
      .input(FileParams)
      .output(Done)
      .mutation(async ({ ctx, input }) => {
        await files.remove(ctx.actor, input.file_id)
        return { status: 'success' as const }
      }),
  })
}
