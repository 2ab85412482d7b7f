import { Elysia } from 'elysia'
import { z } from 'zod'
import { ActiveBranch, BranchChange, BranchTree } from '../../contract/branch-calls.ts'
import { ChatParams, HistoryPage, HistoryParams, HistoryQuery } from '../../contract/chat-calls.ts'
import { Branch, Chat } from '../../contract/chats.ts'
import { failures } from '../../contract/failures.ts'
import type { Authenticator } from '../../domain/accounts/authenticator.ts'
import type { ChatServices } from '../../domain/chats/services.ts'
import { encoded } from '../encoded.ts'
import { jsonBody } from '../plugins/json-body.ts'
import { SECURITY, SIGNED_IN, signedIn } from '../plugins/signed-in.ts'

const tags = ['Branches']
const always = [...SIGNED_IN, 'chat_missing', 'invalid', 'internal'] as const
const ofBranch = [...always, 'branch_missing'] as const
const sent = ['body_too_large', 'not_json'] as const

/** A chat's lines of history. They are made at a message. */
export function branchRoutes({ branches, chats, reader }: ChatServices, authenticator: Authenticator) {
  return new Elysia({ name: 'rest/branches', prefix: '/api/chats/:chat_id', detail: { security: SECURITY } })
    .use(signedIn(authenticator))
    .get('/branches', ({ actor, params }) => branches.list(actor, params.chat_id), {
      params: ChatParams,
      response: { 200: z.array(Branch), ...failures(...always) },
      detail: {
        tags,
        operationId: 'listBranches',
        summary: "List a chat's branches",
        description: 'Oldest first. The first is the root, which has the id of the chat.',
      },
    })
    .get(
      '/branches/tree',
      // Encoded here: a validation of branches of branches would go as deep as they do.
      async ({ actor, params, set }) =>
        encoded<200, BranchTree>(set, 200, JSON.stringify(await branches.tree(actor, params.chat_id))),
      {
        params: ChatParams,
        response: { 200: BranchTree, ...failures(...always) },
        detail: {
          tags,
          operationId: 'readBranchTree',
          summary: "Read a chat's branches as a tree",
          description: 'From the root down, each below the one that it was made from.',
        },
      },
    )
    .get('/branches/:branch_id', ({ actor, params }) => branches.get(actor, params.chat_id, params.branch_id), {
      params: HistoryParams,
      response: { 200: Branch, ...failures(...ofBranch) },
      detail: {
        tags,
        operationId: 'readBranch',
        summary: 'Read a branch',
        description: 'Where it starts; what was said along it is read in pages.',
      },
    })
    .patch(
      '/branches/:branch_id',
      ({ actor, params, body }) => branches.rename(actor, params.chat_id, params.branch_id, body.name),
      {
        params: HistoryParams,
        parse: jsonBody,
        body: BranchChange,
        response: { 200: Branch, ...failures(...ofBranch, ...sent, 'chat_archived') },
        detail: {
          tags,
          operationId: 'renameBranch',
          summary: 'Name a branch',
          description: '`null` takes its name away.',
        },
      },
    )
    .put(
      '/active-branch',
      async ({ actor, params: { chat_id }, body }) => {
        await branches.activate(actor, chat_id, body.branch_id, body.expected)
        return chats.get(actor, chat_id)
      },
      {
        params: ChatParams,
        parse: jsonBody,
        body: ActiveBranch,
        response: { 200: Chat, ...failures(...ofBranch, ...sent, 'branch_moved', 'chat_archived') },
        detail: {
          tags,
          operationId: 'activateBranch',
          summary: 'Make a branch the active one',
          description:
            'Posts go there that name no branch. With `expected` only if that one is active still, so that of two who switch at once one is told.',
        },
      },
    )
    .get(
      '/branches/:branch_id/messages',
      async ({ actor, params: { chat_id, branch_id }, query, set }) => {
        const page = await reader.history(actor, chat_id, branch_id, query)
        return encoded<200, HistoryPage>(set, 200, JSON.stringify(page))
      },
      {
        params: HistoryParams,
        query: HistoryQuery,
        response: { 200: HistoryPage, ...failures(...ofBranch) },
        detail: {
          tags,
          operationId: 'readHistory',
          summary: "Read a branch's history",
          description:
            'The newest messages, or those before, after or around a position; oldest first. `previous` and `next` of a page lead to the ones beside it.',
        },
      },
    )
}
