import { tracked } from '@trpc/server'
import { z } from 'zod'
import type { Config } from '../../config.ts'
import {
  Conversation,
  NewSessionMessage,
  SessionMessage,
  SessionPage,
  SessionParams,
  SessionSummary,
  type SessionWatchEvent,
} from '../../contract/sessions.ts'
import type { Authenticator } from '../../domain/accounts/authenticator.ts'
import { conversationOf, type SessionService } from '../../domain/sessions/service.ts'
import type { SessionChange } from '../../domain/sessions/watch.ts'
import { NOBODY, ownerOf } from '../plugins/access.ts'
import { procedure, router } from './init.ts'
import { callerOf } from './signed-in.ts'

/** The Sessions API as procedures: the same service, the same schemas. */
export function sessionsRouter(sessions: SessionService, authenticator: Authenticator, config: Config) {
  const open = config.publicApis.has('sessions')
  const ownedProcedure = procedure.use(async ({ ctx, next }) =>
    next({ ctx: { owner: open ? NOBODY : ownerOf(await callerOf(authenticator, ctx)) } }),
  )
  return router({
    list: ownedProcedure
      .input(SessionPage.optional())
      .output(z.array(SessionSummary))
      .query(({ ctx, input }) => sessions.list(ctx.owner, SessionPage.parse(input ?? {}))),

    get: ownedProcedure
      .input(SessionParams)
      .output(Conversation)
      .query(async ({ ctx, input }) => {
        const { messages } = await sessions.read({ owner: ctx.owner, id: input.session_id })
        return conversationOf(input.session_id, messages)
      }),

    post: ownedProcedure
      .input(SessionParams.extend(NewSessionMessage.shape))
      .output(Conversation)
      .mutation(async ({ ctx, input: { session_id, ...draft } }) => {
        const { messages } = await sessions.post({ owner: ctx.owner, id: session_id }, draft)
        return conversationOf(session_id, messages)
      }),

    clear: ownedProcedure
      .input(SessionParams)
      .output(Conversation)
      .mutation(async ({ ctx, input: { session_id } }) => {
        await sessions.clear({ owner: ctx.owner, id: session_id })
        return { session_id, messages: [] }
      }),

    /** The session, then each change. A client that comes back with `lastEventId` gets what it missed and nothing twice. */
    watch: ownedProcedure
      .input(SessionParams.extend({ lastEventId: z.coerce.number<string | number>().int().nonnegative().nullish() }))
      .subscription(async function* ({ ctx, input: { session_id, lastEventId }, signal }) {
        const session = { owner: ctx.owner, id: session_id }
        for await (const change of sessions.watch(
          session,
          lastEventId ?? undefined,
          signal ?? new AbortController().signal,
        )) {
          yield tracked(String(change.position), watchEvent(session_id, change))
        }
      }),
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
  }
}
