import { tracked } from '@trpc/server'
import { z } from 'zod'
import type { AnswerDelta, AnswerSnapshot } from '../../contract/answers.ts'
import {
  CHAT_MESSAGES_MAX,
  ChatChange,
  ChatPage,
  ChatPageQuery,
  ChatParams,
  ChatWithMessages,
  EventPage,
  EventQuery,
  ReadCursor,
  ReadMark,
} from '../../contract/chat-calls.ts'
import { Chat, NewChat, Seq } from '../../contract/chats.ts'
import { ChatEvent } from '../../contract/events.ts'
import { Watching } from '../../contract/live.ts'
import type { AccountService } from '../../domain/accounts/service.ts'
import { eventText } from '../../domain/chats/log.ts'
import type { ChatServices } from '../../domain/chats/services.ts'
import type { Followed } from '../../domain/live/follow.ts'
import { Refusal } from '../../domain/refusal.ts'
import { answerFrame, following, watchingFrame } from '../following.ts'
import { NEVER, router, subscription } from './init.ts'
import { type Caller, participantIdentity, participatingProcedure, signedInProcedure } from './signed-in.ts'

/** Chats as a whole. A foreign one is `chat_missing`, here as in every procedure. */
export function chatsRouter(
  { chats, messages, reader, live }: ChatServices,
  { authenticator, holders }: AccountService,
) {
  const signedIn = signedInProcedure(authenticator)
  const participating = participatingProcedure(authenticator)
  const changes = async function* (caller: Caller, chatId: string, after: number | undefined, signal: AbortSignal) {
    const identity = await participantIdentity(authenticator, caller)
    const { events, expired, end } = await following({ live, holders }, identity, { chatId, after }, signal)
    let seen = 0
    try {
      for await (const item of events) {
        if (item.type === 'event') seen = item.event.seq
        else if (item.type === 'start') seen = item.start.seq
        yield tracked(String(seen), watchEvent(chatId, item))
      }
      if (expired.aborted) throw new Refusal('token_invalid')
    } finally {
      end()
    }
  }
  return router({
    list: signedIn
      .input(ChatPageQuery.extend({ archived: z.boolean().optional() }).optional())
      .output(ChatPage)
      .query(async ({ ctx, input: { skip = 0, limit = 100, archived = false } = {} }) => {
        const { items, total } = await chats.list(ctx.actor, { skip, limit, archived })
        return { items: items.map((chat) => ({ ...chat, messages: [] })), total }
      }),

    get: signedIn
      .input(ChatParams)
      .output(ChatWithMessages)
      .query(({ ctx, input }) => reader.open(ctx.actor, input.chat_id, CHAT_MESSAGES_MAX)),

    create: signedIn
      .input(NewChat)
      .output(Chat)
      .mutation(({ ctx, input }) => chats.create(ctx.actor, input)),

    update: signedIn
      .input(ChatParams.extend(ChatChange.shape))
      .output(Chat)
      .mutation(({ ctx, input: { chat_id, ...change } }) => chats.update(ctx.actor, chat_id, change)),

    remove: signedIn.input(ChatParams).mutation(({ ctx, input }) => chats.remove(ctx.actor, input.chat_id)),

    restore: signedIn
      .input(ChatParams)
      .output(Chat)
      .mutation(({ ctx, input }) => chats.restore(ctx.actor, input.chat_id)),

    events: participating
      .input(ChatParams.extend(EventQuery.shape))
      .output(EventPage)
      .query(async ({ ctx, input: { chat_id, after = 0, limit = 100 } }) => {
        const { events, complete, last } = await reader.events(ctx.actor, chat_id, { after, limit })
        return { events: EventPage.shape.events.parse(events.map(parsedEvent)), complete, last_seq: last }
      }),

    /**
     * How the reading begins, then each change as it happens. A client that comes back with `lastEventId` gets what it
     * missed and nothing twice; what is forgotten comes as a snapshot.
     */
    watch: participating
      .input(
        ChatParams.extend({
          after: Seq.optional(),
          lastEventId: z.coerce.number<string | number>().pipe(Seq).nullish(),
        }),
      )
      .subscription(({ ctx, input: { chat_id, after, lastEventId }, signal = NEVER }) =>
        subscription(changes(ctx, chat_id, lastEventId ?? after, signal)),
      ),

    readCursor: signedIn
      .input(ChatParams)
      .output(ReadCursor)
      .query(({ ctx, input }) => reader.readCursor(ctx.actor, input.chat_id)),

    moveReadCursor: signedIn
      .input(ChatParams.extend(ReadMark.shape))
      .output(ReadCursor)
      .mutation(({ ctx, input }) => messages.moveReadCursor(ctx.actor, input.chat_id, input.message_id)),
  })
}

function watchEvent(chatId: string, item: Followed): Watching | ChatEvent | AnswerSnapshot | AnswerDelta {
  switch (item.type) {
    case 'event':
      return ChatEvent.parse(JSON.parse(item.event.text))
    case 'start':
      return Watching.parse(watchingFrame(chatId, null, item.start))
    case 'answer':
      return answerFrame(item.answer, item.offset, item.text)
  }
}

function parsedEvent(event: Parameters<typeof eventText>[0]): unknown {
  return JSON.parse(eventText(event))
}
