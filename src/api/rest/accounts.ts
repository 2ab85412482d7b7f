import { Elysia } from 'elysia'
import { Account, AccountChange, AccountPage, AccountPageQuery, AccountParams } from '../../contract/accounts.ts'
import { failures } from '../../contract/failures.ts'
import type { AccountService } from '../../domain/accounts/service.ts'
import { jsonBody } from '../plugins/json-body.ts'
import { adminOnly, SECURITY, SIGNED_IN } from '../plugins/signed-in.ts'

const tags = ['Administration']
const refusals = failures(...SIGNED_IN, 'forbidden', 'invalid', 'internal')

/** Everybody's accounts, for admins. */
export function accountRoutes(accounts: AccountService) {
  return new Elysia({ name: 'rest/accounts', prefix: '/api/admin/accounts', detail: { security: SECURITY } })
    .use(adminOnly(accounts.authenticator))
    .get('/', ({ actor, query }) => accounts.list(actor, AccountPageQuery.parse(query)), {
      query: AccountPageQuery,
      response: { 200: AccountPage, ...refusals },
      detail: {
        tags,
        operationId: 'listAccounts',
        summary: 'List accounts',
        description: 'Newest first, a page at a time.',
      },
    })
    .get('/:account_id', ({ actor, params }) => accounts.find(actor, params.account_id), {
      params: AccountParams,
      response: { 200: Account, ...refusals, ...failures('account_missing') },
      detail: { tags, operationId: 'readAccount', summary: 'Read an account', description: 'As its owner sees it.' },
    })
    .patch('/:account_id', ({ actor, params, body }) => accounts.amend(actor, params.account_id, body), {
      params: AccountParams,
      parse: jsonBody,
      body: AccountChange,
      response: {
        200: Account,
        ...refusals,
        ...failures('account_missing', 'last_admin', 'body_too_large', 'not_json'),
      },
      detail: {
        tags,
        operationId: 'amendAccount',
        summary: "Change an account's role, deactivate it or bring it back",
        description:
          'It counts at once, on every instance: a deactivated account is signed out everywhere. The only admin stays one.',
      },
    })
}
