import { DemoAnswerer } from './adapters/answerers/demo.ts'
import type { Config } from './config.ts'
import type { CallbackTokens } from './domain/answers/callback-tokens.ts'
import type { Answerer } from './domain/ports.ts'

/** Between two words of the demo's answers: as if somebody typed fast. */
const DEMO_PAUSE_MS = 15

/** Who answers, by what is configured. */
export async function openAnswerer(
  { aiService, openai, outgoingAllowPrivate, publicUrl }: Config,
  tokens: CallbackTokens,
): Promise<Answerer> {
  if (aiService !== undefined) {
    const [{ CallbackAnswerer }, { Outgoing }] = await Promise.all([
      import('./adapters/answerers/callback.ts'),
      import('./adapters/outgoing.ts'),
    ])
    return new CallbackAnswerer(new Outgoing({ allowPrivate: outgoingAllowPrivate }), {
      ...aiService,
      callbackUrl: (request) =>
        `${publicUrl}/api/chats/${request.chatId}/messages/${request.messageId}/callback?token=${tokens.token(request, request.limits.endsAt)}`,
    })
  }
  if (openai === undefined) return new DemoAnswerer({ pauseMs: DEMO_PAUSE_MS })
  // Loaded where they are wanted only.
  const [{ OpenAiAnswerer }, { Outgoing }] = await Promise.all([
    import('./adapters/answerers/openai.ts'),
    import('./adapters/outgoing.ts'),
  ])
  return new OpenAiAnswerer(new Outgoing({ allowPrivate: outgoingAllowPrivate }), openai)
}
