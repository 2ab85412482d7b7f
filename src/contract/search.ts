import { z } from 'zod'
import { AccountId } from './accounts.ts'
import { ChatId, exampleChat, exampleMessage, Message } from './chats.ts'

/** What one search answers with where it does not say. */
export const SEARCH_LIMIT = 20
export const SEARCH_LIMIT_MAX = 50
export const SEARCH_SKIP_MAX = 1000

const number = () => z.coerce.number<string | number>().int()

export const SearchQuery = z.object({
  q: z
    .string()
    .min(1)
    .max(200)
    .refine((text) => text.isWellFormed() && !text.includes('\0'), 'Use well-formed text without NUL characters.')
    .meta({
      description:
        'Words that all have to be there, the last one also as the start of a word; `"a phrase"`, `-without`, ' +
        '`this or that`. Case does not matter. With no word to look for, nothing is found.',
      examples: ['lisbon hot'],
    }),
  limit: number()
    .min(1)
    .max(SEARCH_LIMIT_MAX)
    .optional()
    .meta({ description: `How many at most; ${SEARCH_LIMIT} where it is left out.` }),
  skip: number()
    .min(0)
    .max(SEARCH_SKIP_MAX)
    .optional()
    .meta({ description: 'How many to leave out from the start; 0 where it is left out.' }),
  chat_id: ChatId.optional().meta({ description: 'Looks through this chat alone.' }),
  account_id: AccountId.optional().meta({
    description: "Looks through this account's chats: for admins and back ends, where others look through their own.",
  }),
})
export type SearchQuery = z.infer<typeof SearchQuery>

const exampleHit = {
  message: exampleMessage,
  chat: { id: exampleChat.id, title: exampleChat.title },
  snippet: { text: exampleMessage.content, matches: [[0, 5] satisfies [number, number]] },
  rank: 0.0909,
}

export const SearchHit = z
  .object({
    message: Message,
    chat: z.object({ id: ChatId, title: z.string() }),
    snippet: z.object({
      text: z.string().meta({ description: 'Part of the content, as it was written: plain text, not HTML.' }),
      matches: z
        .array(z.tuple([z.int().nonnegative(), z.int().positive()]))
        .meta({ description: 'What was found in `text`: from, and up to, in UTF-16 code units. In order, apart.' }),
    }),
    rank: z.number().min(0).max(1).meta({ description: 'How well it fits.' }),
  })
  .meta({ id: 'SearchHit', examples: [exampleHit] })
export type SearchHit = z.infer<typeof SearchHit>

export const SearchResult = z
  .object({
    items: z.array(SearchHit),
    has_more: z.boolean().meta({ description: 'Whether there is a next page.' }),
    complete: z.boolean().meta({
      description: 'False where more was there than one search looks through or ranks: then the oldest is left out.',
    }),
  })
  .meta({
    id: 'SearchResult',
    description: 'Messages, those that fit best first, the newer first of those that fit as well.',
    examples: [{ items: [exampleHit], has_more: false, complete: true }],
  })
export type SearchResult = z.infer<typeof SearchResult>
