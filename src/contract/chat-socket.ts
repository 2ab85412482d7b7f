import { z } from 'zod'
import { exampleMessage, MessageId, Source } from './chats.ts'

// The socket of the Chats API, as documented: the answers of one chat.

/** What the client sends. */
export const ChatSocketFrame = z
  .discriminatedUnion('type', [
    z.object({
      type: z.literal('ping'),
      timestamp: z.unknown().meta({ description: 'Comes back as it is.', examples: [1_635_000_000_000] }),
    }),
    z.object({ type: z.literal('stream_request'), message_id: MessageId }),
  ])
  .meta({ id: 'ChatSocketFrame', examples: [{ type: 'stream_request', message_id: exampleMessage.id }] })
export type ChatSocketFrame = z.infer<typeof ChatSocketFrame>

const text = z.string()

/** What the server sends. */
export const ChatSocketServerFrame = z
  .union([
    z
      .object({
        type: z.literal('pong'),
        timestamp: z.unknown().meta({ description: 'Of the ping; null where it had none.' }),
      })
      .meta({ title: 'pong' }),
    z.object({ type: z.literal('stream_content'), message_id: MessageId, content: text }).meta({
      title: 'stream_content',
      description:
        'All that the message says so far, in place of what was told of it. Asked for; or by itself where an answer is not what its chunks made of it, begins over, or goes on after its end.',
    }),
    z.object({ type: z.literal('chunk'), message_id: MessageId, content: text }).meta({
      title: 'chunk',
      description: 'More of an answer, right after what was told of it.',
    }),
    z.object({ type: z.literal('complete'), message_id: MessageId, sources: z.array(Source) }).meta({
      title: 'complete',
      description: 'An answer has ended: it is whole, was stopped, or has failed. Its message has the `status`.',
    }),
    z.object({ type: z.literal('timeout'), message: text }).meta({
      title: 'timeout',
      description: 'The client sent nothing for too long: the socket is closed.',
    }),
    z.object({ error: text }).meta({ title: 'error', description: 'A frame of this client was not taken.' }),
  ])
  .meta({
    id: 'ChatSocketServerFrame',
    description: 'A frame that the server sends on the socket of a chat.',
    examples: [
      { type: 'stream_content', message_id: exampleMessage.id, content: 'Hello, how can' },
      { type: 'chunk', message_id: exampleMessage.id, content: ' I help you?' },
    ],
  })
export type ChatSocketServerFrame = z.infer<typeof ChatSocketServerFrame>
