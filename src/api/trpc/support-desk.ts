import { z } from 'zod'
import { ChatParams } from '../../contract/chat-calls.ts'
import { DeskBacklog } from '../../contract/desk-backlog.ts'
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
import type { DeskFrame } from '../../contract/support-feed.ts'
import type { Actor } from '../../domain/accounts/actor.ts'
import type { AccountService } from '../../domain/accounts/service.ts'
import { Refusal } from '../../domain/refusal.ts'
import type { SupportDesk } from '../../domain/support/desk.ts'
import type { SupportDeskFeed } from '../../domain/support/desk-feed.ts'
import type { SupportHandOver } from '../../domain/support/hand-over.ts'
import { heldBy } from '../following.ts'
import { NEVER, router, subscription } from './init.ts'
import { type Caller, identityOf, signedInProcedure } from './signed-in.ts'

/** What agents do, as procedures. */
export function supportDeskRouter(
  desk: SupportDesk,
  handOver: SupportHandOver,
  feed: SupportDeskFeed,
  { authenticator, holders }: AccountService,
) {
  const signedIn = signedInProcedure(authenticator)
  const changes = async function* (caller: Caller, signal: AbortSignal) {
    const identity = await identityOf(authenticator, caller)
    const held = heldBy(holders, identity)
    try {
      yield* deskFrames(feed, identity.actor, AbortSignal.any([held.signal, signal]))
      if (held.signal.aborted) throw new Refusal('token_invalid')
    } finally {
      held.end()
    }
  }
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

    /** The queue and what the agent has, as they are and whenever they change; and notes as they are written. */
    watch: signedIn.subscription(({ ctx, signal = NEVER }) => subscription(changes(ctx, signal))),

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

async function* deskFrames(feed: SupportDeskFeed, actor: Actor, signal: AbortSignal): AsyncGenerator<DeskFrame, void> {
  const waiting = new DeskBacklog()
  let wake = () => {}
  const end = feed.watch(actor, (frame) => {
    waiting.put(frame)
    wake()
  })
  const stop = () => wake()
  signal.addEventListener('abort', stop, { once: true })
  try {
    while (!signal.aborted) {
      const frame = waiting.take()
      if (frame !== undefined) yield frame
      else await new Promise<void>((resolve) => (wake = resolve))
    }
  } finally {
    end()
    signal.removeEventListener('abort', stop)
  }
}
