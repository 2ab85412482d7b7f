import { AnsweringChange, ChatAnswering } from '../../contract/answering.ts'
import { Divergence, DivergingEdit } from '../../contract/branch-calls.ts'
import { ChatParams, MessageParams } from '../../contract/chat-calls.ts'
import { Message } from '../../contract/chats.ts'
import type { Authenticator } from '../../domain/accounts/authenticator.ts'
import type { AnswerService } from '../../domain/answers/service.ts'
import type { AnsweringService } from '../../domain/chats/answering.ts'
import { router } from './init.ts'
import { signedInProcedure } from './signed-in.ts'

/** How a chat is answered; and what is asked of an answer, by its message. */
export function answersRouter(answers: AnswerService, answering: AnsweringService, authenticator: Authenticator) {
  const signedIn = signedInProcedure(authenticator)
  return router({
    settings: signedIn
      .input(ChatParams)
      .output(ChatAnswering)
      .query(({ ctx, input }) => answering.get(ctx.actor, input.chat_id)),

    configure: signedIn
      .input(ChatParams.extend(AnsweringChange.shape))
      .output(ChatAnswering)
      .mutation(({ ctx, input: { chat_id, ...change } }) => answering.change(ctx.actor, chat_id, change)),

    stop: signedIn
      .input(MessageParams)
      .output(Message)
      .mutation(({ ctx, input }) => answers.stop(ctx.actor, input.chat_id, input.message_id)),

    continue: signedIn
      .input(MessageParams)
      .output(Message)
      .mutation(({ ctx, input }) => answers.continue(ctx.actor, input.chat_id, input.message_id)),

    regenerate: signedIn
      .input(MessageParams)
      .output(Message)
      .mutation(({ ctx, input }) => answers.regenerate(ctx.actor, input.chat_id, input.message_id)),

    resend: signedIn
      .input(MessageParams.extend(DivergingEdit.shape))
      .output(Divergence)
      .mutation(({ ctx, input: { chat_id, message_id, ...said } }) =>
        answers.resend(ctx.actor, chat_id, message_id, said),
      ),
  })
}
