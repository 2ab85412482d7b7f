import { z } from 'zod'
import { MessageParams } from './chat-calls.ts'
import { SOURCE_MAX } from './chats.ts'

/** What the AI service calls back with. Left out is what the type does not need. */
export const AnswerCallback = z
  .object({
    type: z
      .string()
      .nullish()
      .meta({
        description: '`chunk`, `complete`, or `hand_over`: the end, where a person is to go on.',
        examples: ['chunk'],
      }),
    content: z.string().nullish().meta({
      description: 'Of a chunk: the next piece. Of the end: the whole text, where it is not what the chunks make.',
    }),
    seq: z.int().nonnegative().max(1_000_000).nullish().meta({
      description:
        'Of a chunk: its number, from 0; a repeat changes nothing, and one that comes early waits for those before it. Of the end: how many chunks there are.',
    }),
    sources: z
      .array(
        z.object({
          title: z.string().max(SOURCE_MAX.title),
          url: z.string().max(SOURCE_MAX.url).nullish(),
          content: z.string().max(SOURCE_MAX.content).nullish(),
        }),
      )
      .max(100)
      .nullish(),
  })
  .meta({ id: 'AnswerCallback', examples: [{ type: 'chunk', content: 'Hello', seq: 0 }] })
export type AnswerCallback = z.infer<typeof AnswerCallback>

export const CallbackQuery = z.object({
  token: z
    .string()
    .max(1024)
    .optional()
    .meta({ description: 'Part of the callback URL that the AI service was given.' }),
})

export const CallbackParams = MessageParams

export const CallbackTaken = z
  .object({ status: z.literal('success') })
  .meta({ id: 'CallbackTaken', examples: [{ status: 'success' }] })
export type CallbackTaken = z.infer<typeof CallbackTaken>
