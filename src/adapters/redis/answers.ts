import { answerDeltaHead } from '../../domain/answers/delta.ts'
import { afterHalf, beforeHalf } from '../../domain/answers/halves.ts'
import { SIGNAL } from '../../domain/chats/log.ts'
import type { AnswerBuffer, AnswerRef, Appended, Pieced } from '../../domain/ports.ts'
import { FINISHED_MS, KEPT_MS } from '../memory/answers.ts'
import type { RedisClient } from './driver.ts'
import { answerKeys } from './keys.ts'
import type { Redis } from './redis.ts'

const KEPT = String(KEPT_MS)

/** Answers of all processes that share the Redis and its prefix. A call is one round trip. */
export class RedisAnswerBuffer implements AnswerBuffer {
  readonly #redis: Redis

  constructor(redis: Redis) {
    this.#redis = redis
  }

  async open(answer: AnswerRef, begun: string): Promise<void> {
    await this.#call(answer, (client, keys) => client.openAnswer(keys, KEPT, begun, String(begun.length)))
  }

  async drop(answer: AnswerRef): Promise<void> {
    await this.#call(answer, (client, keys) => client.del(keys))
  }

  async append(answer: AnswerRef, offset: number, text: string): Promise<Appended> {
    const [outcome, length] = await this.#call(answer, (client, keys, channel) =>
      client.appendAnswer(keys, ...appending(answer, channel, text), String(offset)),
    )
    switch (outcome) {
      case 'appended':
      case 'repeated':
      case 'gap':
        return { outcome, length: Number(length) }
      default:
        return { outcome: over(outcome) }
    }
  }

  async addPiece(answer: AnswerRef, number: number | null, text: string): Promise<Pieced> {
    const place = number === null ? '' : String(number)
    const { whole, half: last } = beforeHalf(text)
    const { half: first, rest } = afterHalf(whole)
    const halves = [first, last].map((half) => half && String(half.charCodeAt(0))).join()
    return piecedOf(
      await this.#call(answer, (client, keys, channel) =>
        client.addAnswerPiece(keys, ...appending(answer, channel, rest.toWellFormed()), place, halves),
      ),
    )
  }

  async endPieces(answer: AnswerRef, count: number | null, ending: string): Promise<Pieced> {
    const known = count === null ? '' : String(count)
    return piecedOf(await this.#call(answer, (client, keys) => client.endAnswerPieces(keys, KEPT, known, ending)))
  }

  async read(answer: AnswerRef): Promise<{ text: string; finished: boolean } | undefined> {
    const [outcome, text = ''] = await this.#call(answer, (client, keys) => client.readAnswer(keys))
    return outcome === 'missing' ? undefined : { text, finished: outcome === 'finished' }
  }

  async finish(answer: AnswerRef, given: string): Promise<{ text: string; ending: string } | undefined> {
    const [outcome, text = '', ending = given] = await this.#call(answer, (client, keys) =>
      client.finishAnswer(keys, String(FINISHED_MS), given),
    )
    return outcome === 'missing' ? undefined : { text, ending }
  }

  endingHere(): AnswerRef[] {
    return []
  }

  #call<T>(
    answer: AnswerRef,
    command: (client: RedisClient, keys: [string, string], channel: string) => Promise<T>,
  ): Promise<T> {
    const { channel, keys } = answerKeys(this.#redis.prefix, answer)
    return this.#redis.commands.call(keys[0], (client) => command(client, keys, channel))
  }
}

type Appending = [ttlMs: string, channel: string, head: string, text: string, length: string]

function appending(answer: AnswerRef, channel: string, text: string): Appending {
  return [KEPT, channel, `${SIGNAL}${answerDeltaHead(answer)}`, text, String(text.length)]
}

function piecedOf([outcome, length, due]: string[]): Pieced {
  const ending = due === undefined ? {} : { ending: due }
  switch (outcome) {
    case 'appended':
      return { outcome, length: Number(length), ...ending }
    case 'repeated':
      return { outcome, ...ending }
    case 'held':
    case 'full':
      return { outcome }
    default:
      return { outcome: over(outcome) }
  }
}

function over(outcome: string | undefined): 'finished' | 'missing' {
  if (outcome === 'finished' || outcome === 'missing') return outcome
  throw new TypeError(`Redis answered ${outcome} for what became of an answer`)
}
