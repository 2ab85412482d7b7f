import { Elysia } from 'elysia'
import type { Config } from '../../config.ts'
import {
  Account,
  Credentials,
  Deactivation,
  Done,
  PasswordChange,
  Refresh,
  Registration,
  SignedIn,
  Tokens,
} from '../../contract/accounts.ts'
import { failures } from '../../contract/failures.ts'
import type { AccountService } from '../../domain/accounts/service.ts'
import { callerAddress } from '../plugins/caller-address.ts'
import { jsonBody } from '../plugins/json-body.ts'
import { SECURITY, SIGNED_IN, signedIn } from '../plugins/signed-in.ts'

const tags = ['Accounts']
const DONE = { status: 'success' as const }
/** The refusals of every route that takes a body. */
const BODY = ['body_too_large', 'not_json', 'invalid', 'internal'] as const
/** Of those that want the account's password once more. */
const CONFIRMED = [...SIGNED_IN, ...BODY, 'password_wrong', 'forbidden', 'too_many_requests', 'overloaded'] as const

/** The Chats API's accounts: signing up, in and out, and one's own account. */
export function authRoutes(accounts: AccountService, config: Config) {
  return new Elysia({ name: 'rest/auth', prefix: '/api/auth' }).use(doors(accounts, config)).use(ownAccount(accounts))
}

/** What needs no token. */
function doors(accounts: AccountService, { trustProxy }: Config) {
  return new Elysia({ name: 'rest/auth/doors' })
    .post(
      '/register',
      async ({ body, request, server, status }) =>
        status(201, await accounts.registerAndSignIn(body, callerAddress(request, server, trustProxy))),
      {
        parse: jsonBody,
        body: Registration,
        response: {
          201: SignedIn,
          ...failures(
            ...BODY,
            'email_taken',
            'username_registered',
            'too_many_requests',
            'overloaded',
            'storage_unavailable',
          ),
        },
        detail: {
          tags,
          operationId: 'register',
          summary: 'Make an account and sign in',
          description: 'The username and the email are told apart without regard to letter case.',
        },
      },
    )
    .post(
      '/login',
      ({ body, request, server }) => accounts.logins.signIn(body, callerAddress(request, server, trustProxy)),
      {
        parse: jsonBody,
        body: Credentials,
        response: {
          200: SignedIn,
          ...failures(...BODY, 'credentials_wrong', 'too_many_requests', 'overloaded', 'storage_unavailable'),
        },
        detail: {
          tags,
          operationId: 'signIn',
          summary: 'Sign in',
          description: 'With the username or the email. An unknown one is refused like a wrong password.',
        },
      },
    )
    .post(
      '/refresh',
      ({ body, request, server }) =>
        accounts.logins.refresh(body.refresh_token, callerAddress(request, server, trustProxy)),
      {
        parse: jsonBody,
        body: Refresh,
        response: {
          200: Tokens,
          ...failures(...BODY, 'token_invalid', 'too_many_requests', 'storage_unavailable'),
        },
        detail: {
          tags,
          operationId: 'refreshTokens',
          summary: 'Get new tokens for a refresh token',
          description:
            'A refresh token is good for one use. One that was used before ends the login it belongs to, with all its tokens: somebody else has a copy of it.',
        },
      },
    )
}

function ownAccount(accounts: AccountService) {
  return new Elysia({ name: 'rest/auth/own', detail: { security: SECURITY } })
    .use(signedIn(accounts.authenticator))
    .get('/me', ({ actor }) => accounts.me(actor), {
      response: { 200: Account, ...failures(...SIGNED_IN, 'forbidden', 'internal') },
      detail: {
        tags,
        operationId: 'readOwnAccount',
        summary: 'Read your account',
        description: 'The account that the token was made for. The service key alone has none.',
      },
    })
    .delete(
      '/me',
      async ({ actor, body }) => {
        await accounts.deactivate(actor, body.password)
        return DONE
      },
      {
        parse: jsonBody,
        body: Deactivation,
        response: {
          200: Done,
          ...failures(...CONFIRMED, 'last_admin'),
        },
        detail: {
          tags,
          operationId: 'deactivateOwnAccount',
          summary: 'Deactivate your account',
          description:
            'Wants the password where the account has one. Every login ends, and nobody can sign in; what was written stays. An admin can undo it.',
        },
      },
    )
    .post(
      '/password',
      async ({ actor, body }) => {
        await accounts.changePassword(actor, body)
        return DONE
      },
      {
        parse: jsonBody,
        body: PasswordChange,
        response: {
          200: Done,
          ...failures(...CONFIRMED),
        },
        detail: {
          tags,
          operationId: 'changePassword',
          summary: 'Change your password',
          description: 'Every other login of the account ends; the one of this call stays.',
        },
      },
    )
    .post(
      '/logout',
      async ({ actor }) => {
        await accounts.logins.signOut(actor)
        return DONE
      },
      {
        response: { 200: Done, ...failures(...SIGNED_IN, 'forbidden', 'internal') },
        detail: {
          tags,
          operationId: 'signOut',
          summary: 'Sign out',
          description:
            'Ends the login of this token: its access and refresh tokens are refused from now on, everywhere.',
        },
      },
    )
    .post(
      '/logout-all',
      async ({ actor }) => {
        await accounts.logins.signOutEverywhere(actor)
        return DONE
      },
      {
        response: { 200: Done, ...failures(...SIGNED_IN, 'forbidden', 'internal') },
        detail: {
          tags,
          operationId: 'signOutEverywhere',
          summary: 'Sign out on every device',
          description:
            'Ends every login of the account, the one of this call included. Tokens of an external issuer end there.',
        },
      },
    )
}
