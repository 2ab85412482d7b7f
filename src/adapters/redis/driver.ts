import { createClient } from 'redis'
import { answerScripts } from './answer-scripts.ts'
import { scripts } from './scripts.ts'
import { sealScripts } from './seal-scripts.ts'

const RECONNECT_MIN_MS = 50
const RECONNECT_MAX_MS = 500

/** A node-redis client that waits for an answer this long at the first, and reconnects for ever. */
export function createRedisClient(url: string, silenceMs: number) {
  return createClient({
    url,
    scripts: { ...scripts, ...sealScripts, ...answerScripts },
    // The default puts an AbortSignal on every command, and it stops counting once the command is written.
    commandOptions: { timeout: 0 },
    disableClientInfo: true,
    disableOfflineQueue: true,
    maintNotifications: 'disabled',
    socket: {
      connectTimeout: silenceMs,
      reconnectStrategy: (retries) => Math.min(RECONNECT_MIN_MS * 2 ** retries, RECONNECT_MAX_MS),
      // A server that accepts and says nothing: this covers the handshake. Later, writes would put it off.
      socketTimeout: silenceMs,
    },
  })
}

export type RedisClient = ReturnType<typeof createRedisClient>
