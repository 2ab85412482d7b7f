import { z } from 'zod'
import { ChatId, FileIds, MessageId, NewMessage } from './chats.ts'

// What is asked of answers, and how one that is being made is told.

export const OnBusy = z.enum(['reject', 'queue', 'interrupt']).meta({
  description:
    'While an answer of the branch is being made: refuse the post, answer it once its turn comes (`queue`, where it is left out), or stop what runs.',
})

/** What a post says beside the message. */
export const Answered = z.object({
  answer: z.boolean().optional().meta({ description: 'False: the message is stored, and nobody answers.' }),
  on_busy: OnBusy.optional(),
})

/** A message that is answered. */
export const AskedMessage = NewMessage.extend({ file_ids: FileIds, ...Answered.shape }).meta({
  id: 'AskedMessage',
  examples: [{ content: 'Hello there!' }],
})

export type AskedMessage = z.infer<typeof AskedMessage>

/** In UTF-16 code units, as JavaScript counts a string. */
const Offset = z.int().nonnegative()

export const AnswerSnapshot = z
  .object({
    type: z.literal('answer.snapshot'),
    chat_id: ChatId,
    message_id: MessageId,
    content: z.string().meta({ description: 'All that the answer says so far: in place of what was known of it.' }),
    offset: Offset.meta({ description: 'Its length, in UTF-16 code units: where the next piece goes.' }),
  })
  .meta({ title: 'answer.snapshot', description: 'An answer that is being made, as of now.' })
export type AnswerSnapshot = z.infer<typeof AnswerSnapshot>

export const AnswerDelta = z
  .object({
    type: z.literal('answer.delta'),
    chat_id: ChatId,
    message_id: MessageId,
    offset: Offset.meta({ description: 'Where it goes: the length of the text before it.' }),
    content: z.string().meta({ description: 'The next piece.' }),
  })
  .meta({ title: 'answer.delta', description: 'More of an answer; its end is the event `answer.ended`.' })
export type AnswerDelta = z.infer<typeof AnswerDelta>
