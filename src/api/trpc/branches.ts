import { z } from 'zod'
import {
  ActiveBranch,
  BranchChange,
  type BranchTree,
  Divergence,
  DivergingEdit,
  NewBranch,
} from '../../contract/branch-calls.ts'
import { ChatParams, HistoryParams, MessageParams } from '../../contract/chat-calls.ts'
import { Branch, Chat, Message } from '../../contract/chats.ts'
import type { Authenticator } from '../../domain/accounts/authenticator.ts'
import type { ChatServices } from '../../domain/chats/services.ts'
import { router } from './init.ts'
import { signedInProcedure } from './signed-in.ts'

/** A chat's lines of history. */
export function branchesRouter({ branches, chats }: ChatServices, authenticator: Authenticator) {
  const signedIn = signedInProcedure(authenticator)
  return router({
    list: signedIn
      .input(ChatParams)
      .output(z.array(Branch))
      .query(({ ctx, input }) => branches.list(ctx.actor, input.chat_id)),

    // Not validated on its way out: that would go as deep as the branches do.
    tree: signedIn
      .input(ChatParams)
      .query(({ ctx, input }): Promise<BranchTree> => branches.tree(ctx.actor, input.chat_id)),

    get: signedIn
      .input(HistoryParams)
      .output(Branch)
      .query(({ ctx, input }) => branches.get(ctx.actor, input.chat_id, input.branch_id)),

    create: signedIn
      .input(MessageParams.extend(NewBranch.shape))
      .output(Branch)
      .mutation(({ ctx, input: { chat_id, message_id: messageId, parent_id: parentId, name } }) =>
        branches.create(ctx.actor, chat_id, { messageId, parentId, name }),
      ),

    diverge: signedIn
      .input(MessageParams.extend(DivergingEdit.shape))
      .output(Divergence)
      .mutation(({ ctx, input: { chat_id, message_id, ...said } }) =>
        branches.diverge(ctx.actor, chat_id, message_id, said),
      ),

    rename: signedIn
      .input(HistoryParams.extend(BranchChange.shape))
      .output(Branch)
      .mutation(({ ctx, input }) => branches.rename(ctx.actor, input.chat_id, input.branch_id, input.name)),

    activate: signedIn
      .input(ChatParams.extend(ActiveBranch.shape))
      .output(Chat)
      .mutation(async ({ ctx, input: { chat_id, branch_id, expected } }) => {
        await branches.activate(ctx.actor, chat_id, branch_id, expected)
        return chats.get(ctx.actor, chat_id)
      }),

    siblings: signedIn
      .input(MessageParams)
      .output(z.array(Message))
      .query(({ ctx, input }) => branches.siblings(ctx.actor, input.chat_id, input.message_id)),
  })
}
