import {
  Account,
  AccountChange,
  AccountPage,
  AccountPageQuery,
  AccountParams,
  Credentials,
  Deactivation,
  Done,
  PasswordChange,
  Refresh,
  Registration,
  SignedIn,
  Tokens,
} from '../../contract/accounts.ts'
import type { AccountService } from '../../domain/accounts/service.ts'
import { procedure, router } from './init.ts'
import { signedInProcedure } from './signed-in.ts'

const DONE = { status: 'success' as const }

/** Accounts as procedures: the same service, the same schemas. */
export function accountsRouter(accounts: AccountService) {
  const signedIn = signedInProcedure(accounts.authenticator)
  return router({
    register: procedure
      .input(Registration)
      .output(SignedIn)
      .mutation(({ ctx, input }) => accounts.registerAndSignIn(input, ctx.address)),

    login: procedure
      .input(Credentials)
      .output(SignedIn)
      .mutation(({ ctx, input }) => accounts.logins.signIn(input, ctx.address)),

    refresh: procedure
      .input(Refresh)
      .output(Tokens)
      .mutation(({ ctx, input }) => accounts.logins.refresh(input.refresh_token, ctx.address)),

    logout: signedIn.output(Done).mutation(async ({ ctx }) => {
      await accounts.logins.signOut(ctx.actor)
      return DONE
    }),

    logoutAll: signedIn.output(Done).mutation(async ({ ctx }) => {
      await accounts.logins.signOutEverywhere(ctx.actor)
      return DONE
    }),

    me: signedIn.output(Account).query(({ ctx }) => accounts.me(ctx.actor)),

    changePassword: signedIn
      .input(PasswordChange)
      .output(Done)
      .mutation(async ({ ctx, input }) => {
        await accounts.changePassword(ctx.actor, input)
        return DONE
      }),

    deactivate: signedIn
      .input(Deactivation)
      .output(Done)
      .mutation(async ({ ctx, input }) => {
        await accounts.deactivate(ctx.actor, input.password)
        return DONE
      }),

    /** This and the two below: for admins. */
    list: signedIn
      .input(AccountPageQuery.optional())
      .output(AccountPage)
      .query(({ ctx, input }) => accounts.list(ctx.actor, AccountPageQuery.parse(input ?? {}))),

    get: signedIn
      .input(AccountParams)
      .output(Account)
      .query(({ ctx, input }) => accounts.find(ctx.actor, input.account_id)),

    amend: signedIn
      .input(AccountParams.and(AccountChange))
      .output(Account)
      .mutation(({ ctx, input: { account_id, ...change } }) => accounts.amend(ctx.actor, account_id, change)),
  })
}
