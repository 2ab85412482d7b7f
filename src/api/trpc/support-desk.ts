import { z } from 'zod'
import { ChatParams } from '../../contract/chat-calls.ts'
import { HandOverRule, SupportPageQuery, SupportParams, SupportSession } from '../../contract/support.ts'
import {
  AgentParams,
  AgentState,
  AgentStateChange,
  Assignment,
  NewSupportNote,
  StatisticsQuery,
  SupportNote,
  SupportQueue,
  SupportStatistics,
  SupportTransfer,
} from '../../contract/support-desk.ts'
import type { Authenticator } from '../../domain/accounts/authenticator.ts'
import type { SupportDesk } from '../../domain/support/desk.ts'
import type { SupportHandOver } from '../../domain/support/hand-over.ts'
import { router } from './init.ts'
import { signedInProcedure } from './signed-in.ts'

/** What agents do, as procedures. */
export function supportDeskRouter(desk: SupportDesk, handOver: SupportHandOver, authenticator: Authenticator) {
  const signedIn = signedInProcedure(authenticator)
  return router({
    queue: signedIn
      .input(SupportPageQuery.optional())
      .output(SupportQueue)
      .query(({ ctx, input: { limit = 100, offset = 0 } = {} }) => desk.queue(ctx.actor, { limit, offset })),

    claim: signedIn
      .input(SupportParams)
      .output(SupportSession)
      .mutation(({ ctx, input }) => desk.claim(ctx.actor, input.session_id)),

    assign: signedIn
      .input(SupportParams.extend(Assignment.shape))
      .output(SupportSession)
      .mutation(({ ctx, input }) => desk.assign(ctx.actor, input.session_id, input.agent_id)),

    transfer: signedIn
      .input(SupportParams.extend(SupportTransfer.shape))
      .output(SupportSession)
      .mutation(({ ctx, input: { session_id, ...transfer } }) => desk.transfer(ctx.actor, session_id, transfer)),

    /** Of any chat, by its owner or who handles it. */
    handOverChat: signedIn
      .input(ChatParams)
      .output(SupportSession)
      .mutation(({ ctx, input }) => handOver.handOverChat(ctx.actor, input.chat_id)),

    allowHandOver: signedIn
      .input(ChatParams.extend(HandOverRule.shape))
      .output(SupportSession)
      .mutation(({ ctx, input }) => handOver.allow(ctx.actor, input.chat_id, input.on_failure)),

    giveBack: signedIn
      .input(SupportParams)
      .output(SupportSession)
      .mutation(({ ctx, input }) => desk.giveBack(ctx.actor, input.session_id)),

    notes: signedIn
      .input(SupportParams.extend(SupportPageQuery.shape))
      .output(z.array(SupportNote))
      .query(({ ctx, input: { session_id, limit = 100, offset = 0 } }) =>
        desk.notes(ctx.actor, session_id, { limit, offset }),
      ),

    note: signedIn
      .input(SupportParams.extend(NewSupportNote.shape))
      .output(SupportNote)
      .mutation(({ ctx, input }) => desk.note(ctx.actor, input.session_id, input.content)),

    agents: signedIn.output(z.array(AgentState)).query(({ ctx }) => desk.agents(ctx.actor)),

    changeAgent: signedIn
      .input(AgentParams.extend(AgentStateChange.shape))
      .output(AgentState)
      .mutation(({ ctx, input: { agent_id, ...change } }) => desk.changeAgent(ctx.actor, agent_id, change)),

    statistics: signedIn
      .input(StatisticsQuery.optional())
      .output(SupportStatistics)
      .query(({ ctx, input: { days = 7 } = {} }) => desk.statistics(ctx.actor, days)),
  })
}
