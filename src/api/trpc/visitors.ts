import { Done } from '../../contract/accounts.ts'
import { NewVisitor, VisitorParams, VisitorToken } from '../../contract/visitors.ts'
import type { AccountService } from '../../domain/accounts/service.ts'
import { router } from './init.ts'
import { signedInProcedure } from './signed-in.ts'

/** Customers without an account: for back ends with the service key. */
export function visitorsRouter({ authenticator, visitors }: AccountService) {
  const signedIn = signedInProcedure(authenticator)
  return router({
    admit: signedIn
      .input(NewVisitor)
      .output(VisitorToken)
      .mutation(({ ctx, input }) => visitors.admit(ctx.actor, input)),

    dismiss: signedIn
      .input(VisitorParams)
      .output(Done)
      .mutation(async ({ ctx, input }) => {
        await visitors.dismiss(ctx.actor, input.user_id)
        return { status: 'success' as const }
      }),
  })
}
