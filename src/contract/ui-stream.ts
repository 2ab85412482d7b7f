import { z } from 'zod'
import { OnBusy } from './answers.ts'
import { ChatId, MessageId } from './chats.ts'
import { Content } from './text.ts'

// What the AI SDK's `useChat` sends by its `DefaultChatTransport`, and what it reads: version 1 of the UI message stream.

/** The longest request, in bytes: a client sends all of its conversation along. */
export const UI_REQUEST_MAX = 4_194_304

const Part = z.looseObject({ type: z.string(), text: z.string().optional() })

const UiMessage = z
  .object({ id: z.string().min(1).max(256), role: z.enum(['user', 'assistant', 'system']), parts: z.array(Part) })
  .meta({ title: 'UIMessage' })
export type UiMessage = z.infer<typeof UiMessage>

/** What a message says, as far as it is text. */
export function textOf({ parts }: UiMessage): string {
  return parts.map(({ type, text = '' }) => (type === 'text' ? text : '')).join('')
}

const Asked = UiMessage.refine(({ role }) => role === 'user', {
  path: ['role'],
  error: 'The last message is the one to be answered.',
})
  .refine(({ parts }) => !parts.some(({ type }) => type === 'file'), {
    path: ['parts'],
    error: 'Send text, and files by `/api/files`.',
  })
  .refine((message) => Content.safeParse(textOf(message)).success, {
    path: ['parts'],
    error: 'Content is text, not blank, and not too long.',
  })

export const UiRequest = z
  .object({
    id: z
      .string()
      .max(256)
      .optional()
      .meta({ description: "The client's own name for the chat: the one in the path counts." }),
    messages: z.array(UiMessage).min(1).meta({
      description: 'The last one, of the user, is stored and answered. The others are not read: the chat knows them.',
    }),
    trigger: z.enum(['submit-message', 'regenerate-message']),
    messageId: z.string().min(1).max(256).optional().meta({
      description:
        'What is edited (submit), or which answer is to be replaced (regenerate; else the one to the last message).',
    }),
    on_busy: OnBusy.optional(),
  })
  .transform(({ messages, ...request }, context) => {
    const asked = Asked.safeParse(messages.at(-1))
    if (asked.success) return { ...request, asked: { id: asked.data.id, text: textOf(asked.data) } }
    for (const { path, message } of asked.error.issues) {
      context.addIssue({ code: 'custom', path: ['messages', messages.length - 1, ...path], message })
    }
    return z.NEVER
  })
  .meta({
    id: 'UiRequest',
    examples: [
      {
        id: 'chat',
        messages: [{ id: 'bPxDfNkvaLHlTqGc', role: 'user', parts: [{ type: 'text', text: 'Hello there!' }] }],
        trigger: 'submit-message',
      },
    ],
  })

const part = z.object({ id: z.string() }).shape

/** A chunk of the UI message stream, of the kinds that an answer of ours has. */
export const UiChunk = z
  .discriminatedUnion('type', [
    z.object({ type: z.literal('start'), messageId: MessageId }),
    z.object({ type: z.enum(['start-step', 'reset-step', 'finish-step']) }),
    z.object({ type: z.enum(['text-start', 'text-end']), ...part }),
    z.object({ type: z.literal('text-delta'), ...part, delta: z.string() }),
    z.object({ type: z.literal('source-url'), sourceId: z.string(), url: z.string(), title: z.string() }),
    z.object({
      type: z.literal('source-document'),
      sourceId: z.string(),
      mediaType: z.literal('text/plain'),
      title: z.string(),
    }),
    z.object({ type: z.literal('error'), errorText: z.string() }),
    z.object({ type: z.literal('abort'), reason: z.string() }),
    z.object({ type: z.literal('finish'), finishReason: z.enum(['stop', 'interrupted']) }),
  ])
  .meta({ id: 'UiChunk', examples: [{ type: 'text-delta', id: 'text-1', delta: 'Hello' }] })
export type UiChunk = z.infer<typeof UiChunk>

/** Where the AI SDK looks for what goes on: below the address that it posts to. */
export const UiResumeParams = z.object({ chat_id: ChatId, ui_chat_id: z.string() })
