import { Elysia } from 'elysia'
import { z } from 'zod'
import type { Config } from '../../config.ts'
import {
  ATTACHMENTS_MAX,
  ExtendedParams,
  ExtensionParams,
  ExtensionQuery,
  MessageExtension,
  NewExtension,
  REACTIONS_MAX,
} from '../../contract/extensions.ts'
import { failures } from '../../contract/failures.ts'
import type { Authenticator } from '../../domain/accounts/authenticator.ts'
import type { ChatServices } from '../../domain/chats/services.ts'
import { participantAccess, participantSecurityOf } from '../plugins/access.ts'
import { jsonBody } from '../plugins/json-body.ts'
import { PARTICIPATING } from '../plugins/signed-in.ts'

const tags = ['Extensions']
const always = [...PARTICIPATING, 'message_missing', 'invalid', 'internal'] as const
const changed = [...always, 'not_yours', 'not_assigned', 'message_deleted', 'chat_archived'] as const

const ADDING = `
A \`reaction\` is anybody's who may write to the chat: \`like\` or \`dislike\`, which take the place of each other, or an emoji,
of which each person has one. An \`attachment\` is for the author of the message: one of the account's own files (\`file_id\`),
or what is kept elsewhere (\`url\`, with its \`name\`, \`type\` and \`size\`). What is there already is not added again. A message
has ${ATTACHMENTS_MAX} attachments at most, and ${REACTIONS_MAX.all} reactions, ${REACTIONS_MAX.each} of one person.

What a message said before is added by changing it.
`.trim()

/** What hangs on the messages of chats and support sessions. */
export function extensionRoutes({ extensions }: ChatServices, authenticator: Authenticator, config: Config) {
  return new Elysia({
    name: 'rest/extensions',
    prefix: '/api/v1/messages/:message_id/extensions',
    detail: { security: participantSecurityOf(config, 'support') },
  })
    .use(participantAccess(config, 'support', authenticator))
    .get(
      '/',
      ({ actor, isAnybody, params, query }) => extensions.list({ actor, isAnybody }, params.message_id, query.type),
      {
        params: ExtendedParams,
        query: ExtensionQuery,
        response: { 200: z.array(MessageExtension), ...failures(...always) },
        detail: {
          tags,
          operationId: 'listExtensions',
          summary: 'List what hangs on a message',
          description:
            'Attachments, reactions, and what it said before it was changed: oldest first. Nothing of a deleted message.',
        },
      },
    )
    .post(
      '/',
      async ({ actor, isAnybody, params, body, status }) =>
        status(201, await extensions.add({ actor, isAnybody }, params.message_id, body)),
      {
        params: ExtendedParams,
        parse: jsonBody,
        body: NewExtension,
        response: {
          201: MessageExtension,
          ...failures(
            ...changed,
            'forbidden',
            'file_missing',
            'extension_missing',
            'too_many_reactions',
            'too_many_attachments',
            'body_too_large',
            'not_json',
          ),
        },
        detail: {
          tags,
          operationId: 'addExtension',
          summary: 'React to a message, or attach to it',
          description: ADDING,
        },
      },
    )
    .delete(
      '/:extension_id',
      async ({ actor, isAnybody, params, set }) => {
        await extensions.remove({ actor, isAnybody }, params.message_id, params.extension_id)
        set.status = 204
      },
      {
        params: ExtensionParams,
        response: {
          204: z.void().meta({ description: 'Removed.' }),
          ...failures(...changed, 'extension_missing', 'extension_kept'),
        },
        detail: {
          tags,
          operationId: 'removeExtension',
          summary: 'Take a reaction back, or an attachment away',
          description:
            "For its sender, and an attachment also for the message's author. What an attachment said leaves the chat's log as well.",
        },
      },
    )
}
