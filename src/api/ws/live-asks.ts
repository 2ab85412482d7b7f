import type { Message } from '../../contract/chats.ts'
import type { LiveClientFrame } from '../../contract/live.ts'
import type { Actor, Participant } from '../../domain/accounts/actor.ts'
import type { AnswerService } from '../../domain/answers/service.ts'
import { Refusal } from '../../domain/refusal.ts'

/** What a client asks of an answer. */
export type LiveAsk = Extract<LiveClientFrame, { type: 'stop' | 'continue' | 'regenerate' | 'resend' }>

/** Resolves to the message that the asker is told: the answer, or what was asked in a question's place. */
export async function askOf(answers: AnswerService, actor: Participant, ask: LiveAsk): Promise<Message> {
  const { chat_id, message_id } = ask
  switch (ask.type) {
    case 'stop':
      return answers.stop(actor, chat_id, message_id)
    case 'continue':
    case 'regenerate':
      return answers[ask.type](arranging(actor), chat_id, message_id)
    case 'resend': {
      const { content, client_id, metadata, file_ids } = ask
      return (await answers.resend(arranging(actor), chat_id, message_id, { content, client_id, metadata, file_ids }))
        .message
    }
  }
}

/** Visitors speak in a chat, and leave it as it is. */
function arranging(actor: Participant): Actor {
  if (actor.kind === 'visitor') throw new Refusal('forbidden')
  return actor
}
