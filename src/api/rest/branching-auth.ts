import { Elysia } from 'elysia'
import type { Config } from '../../config.ts'
import { BranchingAccount, BranchingRegistration, Credentials, Tokens } from '../../contract/accounts.ts'
import { failures } from '../../contract/failures.ts'
import { branchingAccountOf } from '../../domain/accounts/account.ts'
import type { AccountService } from '../../domain/accounts/service.ts'
import { callerAddress } from '../plugins/caller-address.ts'
import { formBody } from '../plugins/form-body.ts'
import { jsonBody } from '../plugins/json-body.ts'

const tags = ['Accounts']
const always = failures(
  'body_too_large',
  'invalid',
  'too_many_requests',
  'overloaded',
  'storage_unavailable',
  'internal',
)

/** The Branching API's accounts: the same ones, in its own words. */
export function branchingAuthRoutes(accounts: AccountService, { trustProxy }: Config) {
  return new Elysia({ name: 'rest/branching-auth', prefix: '/api/v1/auth' })
    .post(
      '/register',
      async ({ body, request, server }) => {
        const address = callerAddress(request, server, trustProxy)
        return branchingAccountOf(await accounts.register(body, address, 'username_taken'))
      },
      {
        parse: jsonBody,
        body: BranchingRegistration,
        response: { 200: BranchingAccount, ...always, ...failures('not_json', 'email_taken', 'username_taken') },
        detail: {
          tags,
          operationId: 'registerForBranching',
          summary: 'Make an account (Branching API)',
          description: 'The password needs an upper-case and a lower-case letter, a digit and a special character.',
        },
      },
    )
    .post(
      '/login',
      ({ body, request, server }) => accounts.logins.signIn(body, callerAddress(request, server, trustProxy)),
      {
        parse: formBody,
        body: Credentials,
        response: { 200: Tokens, ...always, ...failures('not_form', 'credentials_wrong') },
        detail: {
          tags,
          operationId: 'signInForBranching',
          summary: 'Sign in with a form (Branching API)',
          description: 'As OAuth 2 has it: `username` is the username or the email.',
          requestBody: { content: { 'application/x-www-form-urlencoded': {} } },
        },
      },
    )
}
