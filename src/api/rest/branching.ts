import { Elysia } from 'elysia'
import { z } from 'zod'
import {
  Activated,
  ActivationQuery,
  AnsweredQuestion,
  Line,
  LineBranch,
  LineChange,
  LineHistory,
  LineQuery,
  NewLine,
  NewLineBranch,
  Question,
  WholeTree,
} from '../../contract/branching.ts'
import { failures } from '../../contract/failures.ts'
import type { Authenticator } from '../../domain/accounts/authenticator.ts'
import { encoded } from '../encoded.ts'
import { clientIdOf, IDEMPOTENCY_KEY } from '../plugins/idempotency.ts'
import { jsonBody } from '../plugins/json-body.ts'
import { revealing } from '../plugins/revealing.ts'
import { SECURITY, SIGNED_IN, signedIn } from '../plugins/signed-in.ts'
import { LINE_MESSAGES_MAX, type Lines } from './branching-lines.ts'

const tags = ['Branching']
const always = [...SIGNED_IN, 'invalid', 'internal'] as const
const ofLine = [...always, 'chat_missing', 'chat_not_authorized'] as const
const sent = ['body_too_large', 'not_json'] as const

/** More than the longest answer takes, in seconds. The server hangs up on a request that is quiet for longer than 30. */
const ANSWER_SECONDS = 90

/** The Branching API, as documented: a branch is a chat there, and its id serves as `chat_id` in every call. */
export function branchingRoutes(lines: Lines, authenticator: Authenticator) {
  return new Elysia({ name: 'rest/branching', prefix: '/api/v1', detail: { security: SECURITY } })
    .use(signedIn(authenticator))
    .use(revealing('chat_not_authorized'))
    .post(
      '/chats/create-chat',
      async ({ actor, body, status }) =>
        status(201, await lines.create(actor, body.name, body.chat_type ?? 'personal')),
      {
        parse: jsonBody,
        body: NewLine,
        response: { 201: Line, ...failures(...always, ...sent) },
        detail: {
          tags,
          operationId: 'createBranchingChat',
          summary: 'Make a chat (Branching API)',
          description: 'It belongs to the account. `chat_type` is only kept and told.',
        },
      },
    )
    .get('/chats/get-chat', ({ actor, query }) => lines.read(actor, query.chat_id), {
      query: LineQuery,
      response: { 200: LineHistory, ...failures(...ofLine) },
      detail: {
        tags,
        operationId: 'readBranchingChat',
        summary: 'Read a chat or a branch with its questions and answers (Branching API)',
        description: `A branch shows the history up to where it starts, then its own. A question without an answer is left out, and so is what was deleted. It looks at the newest ${LINE_MESSAGES_MAX} messages; older ones are read in pages by \`GET /api/chats/{chat_id}/branches/{branch_id}/messages\`.`,
      },
    })
    .put(
      '/chats/update-chat',
      ({ actor, query, body }) => lines.change(actor, query.chat_id, body.name ?? undefined, body.active ?? undefined),
      {
        query: LineQuery,
        parse: jsonBody,
        body: LineChange,
        response: { 200: Line, ...failures(...ofLine, ...sent, 'chat_archived') },
        detail: {
          tags,
          operationId: 'changeBranchingChat',
          summary: 'Rename a chat or a branch, archive it or take it out of the archive (Branching API)',
          description:
            '`active: false` puts the chat into the archive, with all its branches: it is read only there. The name of a chat has at most 100 characters.',
        },
      },
    )
    .delete(
      '/chats/delete-chat',
      async ({ actor, query, set }) => {
        await lines.remove(actor, query.chat_id)
        set.status = 204
      },
      {
        query: LineQuery,
        response: { 204: z.void().meta({ description: 'Deleted.' }), ...failures(...ofLine, 'branch_kept') },
        detail: {
          tags,
          operationId: 'deleteBranchingChat',
          summary: 'Delete a chat with all its branches (Branching API)',
          description: 'A branch is not deleted by itself: others may share its history.',
        },
      },
    )
    .post(
      '/messages/add-message',
      async ({ actor, body: { chat_id, question, client_id }, request, server, status }) => {
        server?.timeout(request, ANSWER_SECONDS)
        const key = clientIdOf(request, client_id)
        return status(201, await lines.ask(actor, chat_id, question, key.client_id))
      },
      {
        parse: jsonBody,
        body: Question,
        response: {
          201: AnsweredQuestion,
          ...failures(
            ...ofLine,
            ...sent,
            'branch_missing',
            'message_deleted',
            'client_id_reused',
            'answered_by_people',
            'session_ended',
            'chat_archived',
            'answer_failed',
            'answer_late',
            'too_many_answers',
            'overloaded',
          ),
        },
        detail: {
          tags,
          operationId: 'askQuestion',
          summary: 'Ask a question and wait for its answer (Branching API)',
          description:
            'Both are stored in that chat or branch, whichever is active. Where no answer can be made, the question stays: sending it again with the same key asks for the answer alone.',
          parameters: [IDEMPOTENCY_KEY],
        },
      },
    )
    .post(
      '/branches/create-branch',
      ({ actor, body }) => lines.branch(actor, body.chat_id, body.response_id, body.name ?? undefined),
      {
        parse: jsonBody,
        body: NewLineBranch,
        response: {
          200: LineBranch,
          ...failures(...ofLine, ...sent, 'response_missing', 'message_deleted', 'too_many_branches', 'chat_archived'),
        },
        detail: {
          tags,
          operationId: 'createBranchingBranch',
          summary: 'Make a branch at a response (Branching API)',
          description: 'The response is one of the history of that chat or branch. It is not the active branch yet.',
        },
      },
    )
    .get('/branches/get-branches', ({ actor, query }) => lines.branches(actor, query.chat_id), {
      query: LineQuery,
      response: { 200: z.array(LineBranch), ...failures(...ofLine) },
      detail: {
        tags,
        operationId: 'listBranchingBranches',
        summary: 'List the branches that were made from a chat or a branch (Branching API)',
        description: 'Oldest first. Those that were made from these in turn are in the tree.',
      },
    })
    .get(
      '/branches/get-branch-tree',
      // Encoded here: a validation of branches of branches would go as deep as they do.
      async ({ actor, query, set }) =>
        encoded<200, WholeTree>(set, 200, JSON.stringify(await lines.tree(actor, query.chat_id))),
      {
        query: LineQuery,
        response: { 200: WholeTree, ...failures(...ofLine) },
        detail: {
          tags,
          operationId: 'readBranchingTree',
          summary: 'Read all branches of a chat as a tree (Branching API)',
          description: 'From the chat itself down, also where the id of a branch is given.',
        },
      },
    )
    .put(
      '/branches/set-active-branch',
      async ({ actor, query }) => {
        await lines.activate(actor, query.chat_id, query.branch_id)
        return { message: 'Branch activated successfully' as const }
      },
      {
        query: ActivationQuery,
        response: { 200: Activated, ...failures(...ofLine, 'branch_missing', 'chat_archived') },
        detail: {
          tags,
          operationId: 'activateBranchingBranch',
          summary: 'Make a branch the active one (Branching API)',
          description: "Again: the same. The chat's own id makes its root the active one.",
        },
      },
    )
}
