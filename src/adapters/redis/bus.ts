import type { Bus, BusListener } from '../../domain/ports.ts'
import { Listeners } from '../memory/listeners.ts'
import type { Redis } from './client.ts'
import { channelKey } from './keys.ts'

/** One channel: one subscription at the server, however many listen to it here. */
class Topic {
  readonly key: string
  readonly listeners = new Listeners()
  /** As node-redis has it: it renews these after a reconnect. */
  subscribed = false
  /** Commands for one channel go one after the other, so that a leaver and a joiner don't overtake each other. */
  turn: Promise<void> = Promise.resolve()

  constructor(key: string) {
    this.key = key
  }

  /** node-redis knows a subscriber by its function. */
  readonly deliver = (payload: string): void => this.listeners.message(payload)
}

/** A bus of all processes that share the Redis and its prefix. */
export class RedisBus implements Bus {
  readonly #redis: Redis
  readonly #topics = new Map<string, Topic>()

  constructor(redis: Redis) {
    this.#redis = redis
    redis.subscriber.watch({ lost: () => this.#lost(), back: () => this.#back() })
  }

  async publish(channel: string, payload: string): Promise<void> {
    await this.#redis.commands.call((client) => client.sPublish(channelKey(this.#redis.prefix, channel), payload))
  }

  async subscribe(channel: string, listener: BusListener): Promise<() => void> {
    const topic = this.#topic(channel)
    const remove = topic.listeners.add(listener)
    const end = () => {
      if (remove() && topic.listeners.size === 0) this.#end(topic)
    }
    try {
      await this.#align(topic)
      return end
    } catch (fault) {
      end()
      throw fault
    }
  }

  #topic(channel: string): Topic {
    const key = channelKey(this.#redis.prefix, channel)
    const known = this.#topics.get(key)
    if (known !== undefined) return known
    const topic = new Topic(key)
    this.#topics.set(key, topic)
    return topic
  }

  /** Makes the subscription at the server what the listeners want when their turn comes. */
  #align(topic: Topic): Promise<void> {
    const turn = topic.turn.then(async () => {
      const wanted = topic.listeners.size > 0
      if (wanted) this.#redis.subscriber.mustBeUp()
      if (wanted !== topic.subscribed) {
        await this.#redis.subscriber.call((client) =>
          wanted ? client.sSubscribe(topic.key, topic.deliver) : client.sUnsubscribe(topic.key, topic.deliver),
        )
        topic.subscribed = wanted
      }
      if (!topic.subscribed && topic.listeners.size === 0) this.#topics.delete(topic.key)
    })
    // A failed turn is told to whom it belongs; the next one is free to try.
    topic.turn = turn.catch(() => {})
    return turn
  }

  #end(topic: Topic): void {
    // When Redis is away, `back` tries again.
    this.#align(topic).catch(() => {})
  }

  #lost(): void {
    for (const topic of [...this.#topics.values()]) topic.listeners.lost()
  }

  #back(): void {
    for (const topic of [...this.#topics.values()]) {
      // Again: what was published while the connection was away can be read without a gap only from now on.
      topic.listeners.lost()
      if (topic.listeners.size === 0) this.#end(topic)
    }
  }
}
