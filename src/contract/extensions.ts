import { z } from 'zod'
import { PersonId } from './accounts.ts'
import { ReactionKey } from './chat-calls.ts'
import { type Attachment, exampleMessage, MessageId } from './chats.ts'
import { Id, Timestamp } from './text.ts'

// What hangs on a message: attachments, reactions, and what it said before it was changed.

/** Files and URLs of one message, together. */
export const ATTACHMENTS_MAX = 20
/** Reactions to one message: of one person, and of all. */
export const REACTIONS_MAX = { each: 20, all: 1000 }

const line = (max: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(max)
    .refine((text) => text.isWellFormed() && !/\p{Cc}/u.test(text), 'Use one line of well-formed text.')

const WebAddress = z
  .url({ protocol: /^https?$/, normalize: true, error: 'Use an address that begins with http:// or https://.' })
  .max(2048)
  .refine((url) => !/^https?:\/\/[^/?#]*@/.test(url), 'Leave the user name and the password out.')
  .meta({ description: 'http(s), at most 2048 characters.', examples: ['https://example.com/invoice.pdf'] })

/** Something that is kept elsewhere, and what its sender says of it. */
export const AttachedUrl = z.object({
  url: WebAddress,
  name: line(255).meta({ examples: ['invoice.pdf'] }),
  type: line(127)
    .nullish()
    .meta({ description: 'Its media type.', examples: ['application/pdf'] }),
  size: z
    .int()
    .nonnegative()
    .nullish()
    .meta({ description: 'In bytes.', examples: [48_213] }),
})

/** The same as it is kept. */
export type KeptUrl = Pick<Attachment, 'url' | 'name' | 'type' | 'size'>

const AttachedFile = z.object({ file_id: Id.meta({ description: "A file of the account's own." }) })

const sender_id = PersonId.optional().meta({
  description: 'For back ends, and whoever calls where the API is public: on whose behalf. Others write as themselves.',
})

export const NewExtension = z
  .discriminatedUnion('type', [
    z.object({ type: z.literal('attachment'), data: z.union([AttachedFile, AttachedUrl]), sender_id }),
    z.object({ type: z.literal('reaction'), data: z.object({ reaction_type: ReactionKey }), sender_id }),
  ])
  .meta({
    id: 'NewExtension',
    examples: [
      { type: 'reaction', data: { reaction_type: 'like' } },
      { type: 'attachment', data: { url: 'https://example.com/invoice.pdf', name: 'invoice.pdf' } },
    ],
  })
export type NewExtension = z.infer<typeof NewExtension>

export const ExtensionType = z.enum(['attachment', 'reaction', 'edit'])
export type ExtensionType = z.infer<typeof ExtensionType>

const extension = <T extends ExtensionType, D extends z.ZodRawShape>(type: T, data: D) =>
  z.object({
    id: Id.meta({ description: "A file's has the file's id." }),
    message_id: MessageId,
    type: z.literal(type),
    sender_id: PersonId.nullable(),
    data: z.object(data),
    created_at: Timestamp,
  })

const example = {
  id: '0198f3a5-1c2d-7e3f-8a4b-5c6d7e8f9a0b',
  message_id: exampleMessage.id,
  sender_id: 'customer-42',
  created_at: exampleMessage.created_at,
}

export const MessageExtension = z
  .discriminatedUnion('type', [
    extension('attachment', {
      file_id: Id.nullable().meta({ description: 'Null for what is kept elsewhere.' }),
      url: z.string().meta({ description: 'Of a file: its address here, which wants a token.' }),
      name: z.string(),
      type: z.string().nullable(),
      size: z.int().nonnegative().nullable(),
    }).meta({ title: 'attachment' }),
    extension('reaction', { reaction_type: z.string() }).meta({ title: 'reaction' }),
    extension('edit', { content: z.string().meta({ description: 'What the message said before.' }) }).meta({
      title: 'edit',
    }),
  ])
  .meta({ id: 'MessageExtension', examples: [{ ...example, type: 'reaction', data: { reaction_type: 'like' } }] })
export type MessageExtension = z.infer<typeof MessageExtension>

export const ExtendedParams = z.object({ message_id: MessageId })
export const ExtensionParams = z.object({ message_id: MessageId, extension_id: Id })
export const ExtensionQuery = z.object({
  type: ExtensionType.optional().meta({ description: 'Only those of this type.' }),
})
