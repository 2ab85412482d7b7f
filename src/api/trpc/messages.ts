import { z } from 'zod'
import {
  HistoryPage,
  HistoryParams,
  HistoryQuery,
  MessageChange,
  MessageEdit,
  MessageParams,
  PostedMessage,
  ReactionParams,
} from '../../contract/chat-calls.ts'
import { ChatId, Message } from '../../contract/chats.ts'
import type { Authenticator } from '../../domain/accounts/authenticator.ts'
import type { AnswerService } from '../../domain/answers/service.ts'
import type { ChatServices } from '../../domain/chats/services.ts'
import { router } from './init.ts'
import { signedInProcedure } from './signed-in.ts'

/** What was said in a chat. */
export function messagesRouter(
  { messages, reader }: ChatServices,
  answers: AnswerService,
  authenticator: Authenticator,
) {
  const signedIn = signedInProcedure(authenticator)
  return router({
    /** Part of a branch's history: the root's where none is named is the chat's own id. */
    history: signedIn
      .input(z.intersection(HistoryParams, HistoryQuery))
      .output(HistoryPage)
      .query(({ ctx, input: { chat_id, branch_id, ...query } }) =>
        reader.history(ctx.actor, chat_id, branch_id, query),
      ),

    get: signedIn
      .input(MessageParams)
      .output(Message)
      .query(({ ctx, input }) => messages.get(ctx.actor, input.chat_id, input.message_id)),

    post: signedIn
      .input(PostedMessage.extend({ chat_id: ChatId }))
      .output(Message)
      .mutation(({ ctx, input: { chat_id, ...draft } }) => answers.post(ctx.actor, chat_id, draft)),

    edit: signedIn
      .input(MessageParams.extend(MessageChange.shape))
      .output(Message)
      .mutation(({ ctx, input }) => messages.edit(ctx.actor, input.chat_id, input.message_id, input.content)),

    remove: signedIn
      .input(MessageParams)
      .output(Message)
      .mutation(({ ctx, input }) => messages.remove(ctx.actor, input.chat_id, input.message_id)),

    edits: signedIn
      .input(MessageParams)
      .output(z.array(MessageEdit))
      .query(({ ctx, input }) => messages.edits(ctx.actor, input.chat_id, input.message_id)),

    react: signedIn
      .input(ReactionParams)
      .output(Message)
      .mutation(async ({ ctx, input: { chat_id, message_id, reaction } }) => {
        await messages.react(ctx.actor, chat_id, message_id, reaction)
        return messages.get(ctx.actor, chat_id, message_id)
      }),

    unreact: signedIn
      .input(ReactionParams)
      .output(Message)
      .mutation(async ({ ctx, input: { chat_id, message_id, reaction } }) => {
        await messages.unreact(ctx.actor, chat_id, message_id, reaction)
        return messages.get(ctx.actor, chat_id, message_id)
      }),
  })
}
