import { z } from 'zod'
import type { Config } from '../../config.ts'
import { MessageChange } from '../../contract/chat-calls.ts'
import {
  NewSupportMessage,
  NewSupportSession,
  SupportMessage,
  SupportMessageParams,
  SupportPageQuery,
  SupportParams,
  SupportSession,
  SupportSessionChange,
  SupportSessionWithMessages,
  SupportUserParams,
} from '../../contract/support.ts'
import type { Authenticator } from '../../domain/accounts/authenticator.ts'
import type { SupportService } from '../../domain/support/service.ts'
import { router } from './init.ts'
import { participantProcedure } from './signed-in.ts'

/** The Support API as procedures: the same service, the same schemas. */
export function supportRouter(support: SupportService, authenticator: Authenticator, config: Config) {
  const taking = participantProcedure(config, 'support', authenticator)
  return router({
    create: taking
      .input(NewSupportSession)
      .output(SupportSession)
      .mutation(({ ctx, input }) => support.create(ctx.actor, input)),

    get: taking
      .input(SupportParams)
      .output(SupportSessionWithMessages)
      .query(({ ctx, input }) => support.read(ctx.actor, input.session_id)),

    ofUser: taking
      .input(SupportUserParams.extend({ ...SupportPageQuery.shape, active_only: z.boolean().optional() }))
      .output(z.array(SupportSession))
      .query(({ ctx, input: { user_id, active_only: activeOnly = false, limit = 100, offset = 0 } }) =>
        support.ofUser(ctx.actor, user_id, { activeOnly, limit, offset }),
      ),

    update: taking
      .input(SupportParams.extend(SupportSessionChange.shape))
      .output(SupportSession)
      .mutation(({ ctx, input: { session_id, ...change } }) => support.update(ctx.actor, session_id, change)),

    end: taking
      .input(SupportParams)
      .output(SupportSession)
      .mutation(({ ctx, input }) => support.end(ctx.actor, input.session_id)),

    handOver: taking
      .input(SupportParams)
      .output(SupportSession)
      .mutation(({ ctx, input }) => support.askForPerson(ctx.actor, input.session_id)),

    reopen: taking
      .input(SupportParams)
      .output(SupportSession)
      .mutation(({ ctx, input }) => support.reopen(ctx.actor, input.session_id)),

    messages: taking
      .input(SupportParams.extend(SupportPageQuery.shape))
      .output(z.array(SupportMessage))
      .query(({ ctx, input: { session_id, limit = 100, offset = 0 } }) =>
        support.messages(ctx.actor, session_id, { limit, offset }),
      ),

    post: taking
      .input(SupportParams.extend(NewSupportMessage.shape))
      .output(SupportMessage)
      .mutation(({ ctx, input: { session_id, ...draft } }) => support.post(ctx.actor, session_id, draft)),

    edit: taking
      .input(SupportMessageParams.extend(MessageChange.shape))
      .output(SupportMessage)
      .mutation(({ ctx, input }) => support.edit(ctx.actor, input.message_id, input.content)),

    remove: taking
      .input(SupportMessageParams)
      .output(SupportMessage)
      .mutation(({ ctx, input }) => support.remove(ctx.actor, input.message_id)),
  })
}
