import type { Bus, BusListener } from '../../domain/ports.ts'
import { Listeners } from '../memory/listeners.ts'
import { channelKey } from './keys.ts'
import type { Deliver, Redis } from './redis.ts'

/** One channel: one subscription at the server, however many listen to it here. */
class Topic extends Listeners {
  readonly key: string
  /** As the subscriber has it: it renews these after a reconnect. */
  subscribed = false
  /** Commands for one channel go one after the other, so that a leaver and a joiner don't overtake each other. */
  turn: Promise<void> = Promise.resolve()

  constructor(key: string) {
    super()
    this.key = key
  }
}

/** A bus of all processes that share the Redis and its prefix. */
export class RedisBus implements Bus {
  readonly #redis: Redis
  readonly #topics = new Map<string, Topic>()
  /** Every subscription is known by this one function. */
  readonly #deliver: Deliver = (payload, key) => this.#topics.get(key)?.message(payload)

  constructor(redis: Redis) {
    this.#redis = redis
    redis.subscriber.watch({ lost: () => this.#lost(), back: () => this.#back() })
  }

  async publish(channel: string, payload: string): Promise<void> {
    const key = channelKey(this.#redis.prefix, channel)
    await this.#redis.commands.call(key, (client) => client.sPublish(key, payload))
  }

  async subscribe(channel: string, listener: BusListener): Promise<() => void> {
    const topic = this.#topic(channel)
    const end = this.#join(topic, listener)
    try {
      await this.#align(topic)
      return end
    } catch (fault) {
      end()
      throw fault
    }
  }

  /** Apart from what waits: what is returned is kept, and with it all that can be seen from there. */
  #join(topic: Topic, listener: BusListener): () => void {
    const entry = topic.add(listener)
    return () => {
      if (topic.remove(entry) && topic.size === 0) this.#end(topic)
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
      const wanted = topic.size > 0
      if (wanted) this.#redis.subscriber.mustBeUp(topic.key)
      if (wanted !== topic.subscribed) {
        const { subscriber } = this.#redis
        await (wanted
          ? subscriber.subscribe(topic.key, this.#deliver)
          : subscriber.unsubscribe(topic.key, this.#deliver))
        topic.subscribed = wanted
      }
      if (!topic.subscribed && topic.size === 0) this.#topics.delete(topic.key)
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
    for (const topic of [...this.#topics.values()]) topic.lost()
  }

  #back(): void {
    for (const topic of [...this.#topics.values()]) {
      // Again: what was published while the connection was away can be read without a gap only from now on.
      topic.lost()
      if (topic.size === 0) this.#end(topic)
    }
  }
}
