import { DemoAnswerer } from './adapters/answerers/demo.ts'
import type { Config } from './config.ts'
import type { AnswererName } from './contract/answering.ts'
import type { CallbackTokens } from './domain/answers/callback-tokens.ts'
import type { Answerer } from './domain/ports.ts'

/** Between two words of the demo's answers: as if somebody typed fast. */
const DEMO_PAUSE_MS = 15

/** Those that are configured; the first one answers where a chat names none. */
export function answererNames({ aiService, openai, answerer: first }: Config): AnswererName[] {
  const names: AnswererName[] = []
  if (aiService !== undefined) names.push('callback')
  if (openai !== undefined) names.push('openai')
  if (names.length === 0 || first === 'demo') names.push('demo')
  return names.sort((one, other) => Number(other === first) - Number(one === first))
}

export async function openAnswerers(config: Config, tokens: CallbackTokens): Promise<Answerer[]> {
  return Promise.all(answererNames(config).map((name) => openAnswerer(name, config, tokens)))
}

async function openAnswerer(
  name: AnswererName,
  { aiService, openai, outgoingAllowPrivate, publicUrl }: Config,
  tokens: CallbackTokens,
): Promise<Answerer> {
  if (name === 'callback' && aiService !== undefined) {
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
  if (name === 'openai' && openai !== undefined) {
    // Loaded where they are wanted only.
    const [{ OpenAiAnswerer }, { Outgoing }] = await Promise.all([
      import('./adapters/answerers/openai.ts'),
      import('./adapters/outgoing.ts'),
    ])
    return new OpenAiAnswerer(new Outgoing({ allowPrivate: outgoingAllowPrivate }), openai)
  }
  return new DemoAnswerer({ pauseMs: DEMO_PAUSE_MS })
}
