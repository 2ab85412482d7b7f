import { Divergence, DivergingEdit } from '../../contract/branch-calls.ts'
import { MessageParams } from '../../contract/chat-calls.ts'
import { Message } from '../../contract/chats.ts'
import type { Authenticator } from '../../domain/accounts/authenticator.ts'
import type { AnswerService } from '../../domain/answers/service.ts'
import { router } from './init.ts'
import { signedInProcedure } from './signed-in.ts'

/** What is asked of an answer, by its message. */
export function answersRouter(answers: AnswerService, authenticator: Authenticator) {
  const signedIn = signedInProcedure(authenticator)
  return router({
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
