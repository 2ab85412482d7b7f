import { Elysia } from 'elysia'
import { ChatParams } from '../../contract/chat-calls.ts'
import { Chat } from '../../contract/chats.ts'
import { failures } from '../../contract/failures.ts'
import { ExportedChat, ExportQuery, ImportedDocument, TRANSFER_MAX } from '../../contract/transfer.ts'
import type { Authenticator } from '../../domain/accounts/authenticator.ts'
import type { ChatServices } from '../../domain/chats/services.ts'
import { documentBody } from '../plugins/document-body.ts'
import { actorOf, SECURITY, SIGNED_IN, signedIn } from '../plugins/signed-in.ts'
import { streamed } from '../streamed.ts'

const tags = ['Export and import']

/** A document takes seconds at most, and few wait for each other. */
const IMPORT_SECONDS = 120

const always = [...SIGNED_IN, 'invalid', 'internal'] as const

/** A chat as a file, and back. */
export function transferRoutes({ exporter, importer }: ChatServices, authenticator: Authenticator) {
  return new Elysia({ name: 'rest/transfer', prefix: '/api/chats', detail: { security: SECURITY } })
    .use(signedIn(authenticator))
    .get(
      '/:chat_id/export',
      async ({ actor, params: { chat_id }, query: { format, branch_id }, set }) => {
        if (format !== 'markdown') {
          const parts = await exporter.json(actor, chat_id)
          return streamed<ExportedChat>(set, parts, {
            type: 'application/json;charset=utf-8',
            name: `chat-${chat_id}.json`,
          })
        }
        const { branchId, parts } = await exporter.markdown(actor, chat_id, branch_id)
        return streamed<ExportedChat>(set, parts, {
          type: 'text/markdown;charset=utf-8',
          name: `chat-${chat_id}-${branchId}.md`,
        })
      },
      {
        params: ChatParams,
        query: ExportQuery,
        response: {
          200: ExportedChat,
          ...failures(...always, 'chat_missing', 'branch_missing'),
        },
        detail: {
          tags,
          operationId: 'exportChat',
          summary: 'Export a chat',
          description:
            'As JSON with all its branches, edits and reactions, or one branch as Markdown (`text/markdown`). There each ' +
            'message is a quotation; one with anything like HTML in it is shown as it is, in a block of code. The answer ' +
            'is a file of any length, sent as it is read; what is written to the chat meanwhile is not in it.',
        },
      },
    )
    .post('/import', async ({ actor, body, status }) => status(201, await importer.import(actor, body)), {
      // A large body is read for those only who may send one; the handler's own `actor` is not known yet.
      parse: async ({ request, server }) => {
        await actorOf(authenticator, request)
        // It may have to wait its turn, for longer than a connection may be idle.
        server?.timeout(request, IMPORT_SECONDS)
        return documentBody(request, TRANSFER_MAX)
      },
      body: ImportedDocument,
      response: { 201: Chat, ...failures(...always, 'body_too_large', 'not_json', 'overloaded') },
      detail: {
        tags,
        operationId: 'importChat',
        summary: 'Import a chat',
        description:
          `Makes a chat of what an export wrote, whole or not at all; at most ${TRANSFER_MAX / 1_000_000} MB. It has new ` +
          "ids, and keeps times, places, branches and edits. It is the account's own, and so is what the document's owner " +
          'said. Only admins and back ends import what others said in their name: else their messages have no sender, and ' +
          'their reactions are left out. An answer that was being written is `stopped`.',
      },
    })
}
