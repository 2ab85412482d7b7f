import { z } from 'zod'

// How a chat is answered: what it says for itself, in place of what the server does with every chat.

/** UTF-16 code units. */
export const SYSTEM_PROMPT_MAX = 16_384
export const HISTORY_MESSAGES_MAX = 200
export const HISTORY_LENGTH_MAX = 131_072

export const AnswererName = z.enum(['callback', 'openai', 'demo']).meta({
  description: 'Who answers: the AI service that calls back, a model behind an API of chat completions, or the demo.',
})
export type AnswererName = z.infer<typeof AnswererName>

/** Text that tells a model how to answer. */
export const SystemPrompt = z
  .string()
  .max(SYSTEM_PROMPT_MAX)
  .refine((text) => text.trim() !== '', 'It must not be blank: null is for none of its own.')
  .refine((text) => text.isWellFormed() && !text.includes('\0'), 'Use well-formed text without NUL characters.')
export const HistoryMessages = z.int().min(0).max(HISTORY_MESSAGES_MAX)
export const HistoryLength = z.int().min(0).max(HISTORY_LENGTH_MAX)

export const NO_ANSWERING = { answerer: null, system_prompt: null, history_messages: null, history_length: null }

export const Answering = z
  .object({
    answerer: AnswererName.nullable(),
    system_prompt: SystemPrompt.nullable().meta({
      description: 'What the model is told before all that was said.',
    }),
    history_messages: HistoryMessages.nullable().meta({
      description: 'So many of the newest messages before the question go with it; 0 is none.',
    }),
    history_length: HistoryLength.nullable().meta({
      description: 'As many of those as have so many UTF-16 code units together.',
    }),
  })
  .meta({
    id: 'Answering',
    description: 'How a chat is answered. Null: as the server answers every chat that says nothing else.',
    examples: [{ ...NO_ANSWERING, system_prompt: 'Answer in rhyme.' }],
  })
export type Answering = z.infer<typeof Answering>

/** The same for all who may read the chat: a prompt is between its owner and the model. */
export const ToldAnswering = Answering.omit({ system_prompt: true }).extend({
  has_system_prompt: z.boolean().meta({ description: 'Whether the chat has one of its own.' }),
})
export type ToldAnswering = z.infer<typeof ToldAnswering>

export function toldAnswering({ system_prompt, ...told }: Answering): ToldAnswering {
  return { ...told, has_system_prompt: system_prompt !== null }
}

export const NO_TOLD_ANSWERING = toldAnswering(NO_ANSWERING)

/** What is left out stays as it is. */
export const AnsweringChange = Answering.partial().meta({
  id: 'AnsweringChange',
  examples: [{ system_prompt: 'Answer in rhyme.', history_messages: 20 }],
})
export type AnsweringChange = z.infer<typeof AnsweringChange>

/** A chat's, and what there is to choose from. */
export const ChatAnswering = Answering.extend({
  answerers: z.array(AnswererName).meta({
    description: 'Those that this server has. The first one answers where the chat names none; empty: nobody does.',
  }),
}).meta({
  id: 'ChatAnswering',
  examples: [{ ...NO_ANSWERING, system_prompt: 'Answer in rhyme.', answerers: ['openai'] }],
})
export type ChatAnswering = z.infer<typeof ChatAnswering>
