import { z } from 'zod'
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
import { Chat, NewChat } from '../../contract/chats.ts'
import type { Authenticator } from '../../domain/accounts/authenticator.ts'
import { eventText } from '../../domain/chats/log.ts'
import type { ChatServices } from '../../domain/chats/services.ts'
import { router } from './init.ts'
import { signedInProcedure } from './signed-in.ts'

/** Chats as a whole. A foreign one is `chat_missing`, here as in every procedure. */
export function chatsRouter({ chats, messages, reader }: ChatServices, authenticator: Authenticator) {
  const signedIn = signedInProcedure(authenticator)
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

    events: signedIn
      .input(ChatParams.extend(EventQuery.shape))
      .output(EventPage)
      .query(async ({ ctx, input: { chat_id, after = 0, limit = 100 } }) => {
        const { events, complete, last } = await reader.events(ctx.actor, chat_id, { after, limit })
        return { events: EventPage.shape.events.parse(events.map(parsedEvent)), complete, last_seq: last }
      }),

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

function parsedEvent(event: Parameters<typeof eventText>[0]): unknown {
  return JSON.parse(eventText(event))
}
