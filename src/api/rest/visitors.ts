import { Elysia } from 'elysia'
import { z } from 'zod'
import { failures } from '../../contract/failures.ts'
import { NewVisitor, VisitorParams, VisitorToken } from '../../contract/visitors.ts'
import type { AccountService } from '../../domain/accounts/service.ts'
import { jsonBody } from '../plugins/json-body.ts'
import { SIGNED_IN, signedIn } from '../plugins/signed-in.ts'

const tags = ['Visitors']
const refusals = failures(...SIGNED_IN, 'service_needed', 'invalid', 'internal')

const ADMITTING = `
For back ends: the page of a customer without an account gets the token, and with it may read and write the support sessions
whose \`user_id\` is that customer's, over REST, tRPC and \`/api/live\`, and nothing else. Whoever asks for a token says who
the customer is: ask for one only for whom you know. \`name\` and \`metadata\` are for agents: a
session that the visitor opens has them under \`visitor\` in its metadata, where no customer can write.

The token cannot be renewed: ask for the next one before it expires, and send it as \`authenticate\` where a socket is open.
`.trim()

/** Customers without an account. */
export function visitorRoutes({ authenticator, visitors }: AccountService) {
  return new Elysia({ name: 'rest/visitors', prefix: '/api/v1/visitors', detail: { security: [{ apiKey: [] }] } })
    .use(signedIn(authenticator))
    .post('/', async ({ actor, body, status }) => status(201, await visitors.admit(actor, body)), {
      parse: jsonBody,
      body: NewVisitor,
      response: { 201: VisitorToken, ...refusals, ...failures('body_too_large', 'not_json') },
      detail: {
        tags,
        operationId: 'admitVisitor',
        summary: 'Make a token for a customer without an account',
        description: ADMITTING,
      },
    })
    .delete(
      '/:user_id',
      async ({ actor, params, set }) => {
        await visitors.dismiss(actor, params.user_id)
        set.status = 204
      },
      {
        params: VisitorParams,
        response: { 204: z.void().meta({ description: 'Ended.' }), ...refusals },
        detail: {
          tags,
          operationId: 'dismissVisitor',
          summary: 'End all tokens of a visitor',
          description:
            'For back ends. What is open on them is closed within two seconds, on every instance. Tokens made afterwards are good, and what the visitor wrote stays.',
        },
      },
    )
}
