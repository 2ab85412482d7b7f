import type { AnswerRequest, AnswerTurn } from '../../domain/ports.ts'

const GO_ON = 'Go on right after the last character of your answer. Repeat nothing of it, and say nothing about it.'

/** What a model is told: all that was said before, oldest first, and what it is to answer now. */
export function conversationOf({ systemPrompt, history, message: said, attached, begun }: AnswerRequest): {
  before: AnswerTurn[]
  message: string
} {
  const message = `${said}${attached}`
  const before: AnswerTurn[] = systemPrompt === null ? [] : [{ role: 'system', content: systemPrompt }]
  before.push(...history)
  if (begun === '') return { before, message }
  before.push({ role: 'user', content: message }, { role: 'assistant', content: begun })
  return { before, message: GO_ON }
}
