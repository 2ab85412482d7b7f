import { tracked } from '@trpc/server'
import { z } from 'zod'
import type { Config } from '../../config.ts'
import { Chat } from '../../contract/chats.ts'
import {
  Conversation,
  NewSessionMessage,
  SessionMessage,
  SessionPage,
  SessionParams,
  SessionPromotion,
  SessionSummary,
  type SessionWatchEvent,
} from '../../contract/sessions.ts'
import type { AccountService } from '../../domain/accounts/service.ts'
import { Refusal } from '../../domain/refusal.ts'
import type { SessionPromoter } from '../../domain/sessions/promotion.ts'
import { conversationOf, type SessionService } from '../../domain/sessions/service.ts'
import type { SessionChange } from '../../domain/sessions/watch.ts'
import { heldBy } from '../following.ts'
import { ownerIn } from '../plugins/access.ts'
import { NEVER, router, subscription } from './init.ts'
import { type Caller, identityOf, ownedProcedure, signedInProcedure } from './signed-in.ts'

/** The Sessions API as procedures: the same service, the same schemas. */
export function sessionsRouter(
  { sessions, promoter }: { sessions: SessionService; promoter: SessionPromoter },
  { authenticator, holders }: AccountService,
  config: Config,
) {
  const owned = ownedProcedure(config, 'sessions', authenticator)
  const open = config.publicApis.has('sessions')
  const changes = async function* (
    caller: Caller & { owner: string },
    id: string,
    after: number | undefined,
    signal: AbortSignal,
  ) {
    const held = open ? undefined : heldBy(holders, await identityOf(authenticator, caller))
    try {
      const until = held === undefined ? signal : AbortSignal.any([signal, held.signal])
      for await (const change of sessions.watch({ owner: caller.owner, id }, after, until)) {
        yield tracked(String(change.position), watchEvent(id, change))
      }
      if (held?.signal.aborted) throw new Refusal('token_invalid')
    } finally {
      held?.end()
    }
  }
  return router({
    list: owned
      .input(SessionPage.optional())
      .output(z.array(SessionSummary))
      .query(({ ctx, input }) => sessions.list(ctx.owner, SessionPage.parse(input ?? {}))),

    get: owned
      .input(SessionParams)
      .output(Conversation)
      .query(async ({ ctx, input }) => {
        const { messages } = await sessions.read({ owner: ctx.owner, id: input.session_id })
        return conversationOf(input.session_id, messages)
      }),

    post: owned
      .input(SessionParams.extend(NewSessionMessage.shape))
      .output(Conversation)
      .mutation(async ({ ctx, input: { session_id, ...draft } }) => {
        const { messages } = await sessions.post({ owner: ctx.owner, id: session_id }, draft)
        return conversationOf(session_id, messages)
      }),

    clear: owned
      .input(SessionParams)
      .output(Conversation)
      .mutation(async ({ ctx, input: { session_id } }) => {
        await sessions.clear({ owner: ctx.owner, id: session_id })
        return { session_id, messages: [] }
      }),

    promote: signedInProcedure(authenticator)
      .input(SessionParams.extend(SessionPromotion.shape))
      .output(Chat)
      .mutation(async ({ ctx: { actor }, input: { session_id, ...promotion } }) => {
        const session = { owner: ownerIn('sessions', config, actor), id: session_id }
        const { chat } = await promoter.promote(actor, session, promotion)
        return chat
      }),

    /** The session, then each change. A client that comes back with `lastEventId` gets what it missed and nothing twice. */
    watch: owned
      .input(SessionParams.extend({ lastEventId: z.coerce.number<string | number>().int().nonnegative().nullish() }))
      .subscription(({ ctx, input: { session_id, lastEventId }, signal = NEVER }) =>
        subscription(changes(ctx, session_id, lastEventId ?? undefined, signal)),
      ),
  })
}

function watchEvent(session_id: string, change: SessionChange): SessionWatchEvent {
  switch (change.type) {
    case 'session.sync':
      return { type: change.type, session: conversationOf(session_id, change.messages) }
    case 'message.created':
      return { type: change.type, session_id, message: SessionMessage.parse(JSON.parse(change.message)) }
    case 'session.cleared':
      return { type: change.type, session_id }
    case 'session.promoted':
      return { type: change.type, session_id, chat_id: change.chatId, seq: change.seq }
  }
}
