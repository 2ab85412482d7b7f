import { type CommandParser, defineScript } from 'redis'
import { SEALED } from './faults.ts'
import { HEADER_BYTES } from './session-text.ts'

// KEYS: the session's text (see session-text.ts). ARGV: its channel, the time to live in ms, and for an append the
// message, maxMessages and maxBytes, and the header of the copy that the caller has, if it has one. They answer with the
// new header; an append to another state than that of the copy, with the whole text. Positions are above 2^50: Lua's own
// format rounds them.
// The header of a sealed session does not match, which costs the others nothing.
const CHANGE = `
local function header(position, count, start)
  return string.format('%016d %010d %010d\\30', position, count, start)
end
local channel, ttl, message, maxMessages, maxBytes = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local old = redis.call('GETRANGE', KEYS[1], '0', '${HEADER_BYTES - 1}')
local position, count, start = string.match(old, '(%d+) (%d+) (%d+)')
local new
if position then
  position, count, start = position + 1, tonumber(count), tonumber(start)
elseif old ~= '' then
  return redis.error_reply('${SEALED} The session is sealed.')
else
  local time = redis.call('TIME')
  position = time[1] * 1000000 + time[2]
end
`

// Long strings are what costs in Lua (they make it collect garbage), so the text is read in pieces that are just long
// enough for most messages, and is rewritten only when a third of it is of dropped ones.
const APPEND = `${CHANGE}
if count then
  local size = redis.call('APPEND', KEYS[1], message .. '\\30')
  count = count + 1
  while count > 1 and (count > maxMessages or size - start - count > maxBytes) do
    local stop
    repeat
      stop = string.find(redis.call('GETRANGE', KEYS[1], start, start + 255), '\\30', 1, true)
      start = start + (stop or 256)
    until stop
    count = count - 1
  end
  if (start - ${HEADER_BYTES}) * 2 > size - start then
    new = header(position, count, ${HEADER_BYTES})
    redis.call('SET', KEYS[1], new .. redis.call('GETRANGE', KEYS[1], start, '-1'))
  else
    new = header(position, count, start)
    redis.call('SETRANGE', KEYS[1], '0', new)
  end
  redis.call('PEXPIRE', KEYS[1], ttl)
else
  new = header(position, 1, ${HEADER_BYTES})
  redis.call('SET', KEYS[1], new .. message .. '\\30', 'PX', ttl)
end
redis.call('SPUBLISH', channel, string.format('%d ', position) .. message)
if ARGV[6] and ARGV[6] ~= old then return redis.call('GET', KEYS[1]) end
return new
`

const CLEAR = `${CHANGE}
new = header(position, 0, ${HEADER_BYTES})
redis.call('SET', KEYS[1], new, 'PX', ttl)
redis.call('SPUBLISH', channel, string.format('%d ', position))
return new
`

// KEYS: an owner's ids, their expiries. Each step forgets more expired ids than it adds, so the index does not grow.
const FORGET_EXPIRED = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local expired = redis.call('ZRANGE', KEYS[2], '-inf', now, 'BYSCORE', 'LIMIT', 0, 100)
if #expired > 0 then
  redis.call('ZREM', KEYS[1], unpack(expired))
  redis.call('ZREM', KEYS[2], unpack(expired))
end
`

const RENEW_ID = `${FORGET_EXPIRED}
redis.call('ZADD', KEYS[1], '0', ARGV[1])
redis.call('ZADD', KEYS[2], now + ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
`

const IDS = `${FORGET_EXPIRED}
return redis.call('ZRANGE', KEYS[1], ARGV[1], '+', 'BYLEX', 'LIMIT', 0, ARGV[2])
`

/** The arguments of the two changes after the key. */
type Clear = [channel: string, ttlMs: string]
export type Append = [...Clear, message: string, maxMessages: string, maxBytes: string, ...copy: [] | [header: string]]

export const scripts = {
  append: script<[key: string], Append, string>(APPEND, toText),
  clearSession: script<[key: string], Clear, string>(CLEAR, toText),
  renewId: script<[ids: string, expiries: string], [id: string, ttlMs: string], void>(RENEW_ID, () => {}),
  sessionIds: script<[ids: string, expiries: string], [from: string, limit: string], string[]>(IDS, toTexts),
}

export function script<Keys extends string[], Args extends string[], Reply>(
  source: string,
  transformReply: (reply: unknown) => Reply,
) {
  return defineScript({
    SCRIPT: source,
    parseCommand(parser: CommandParser, keys: Keys, ...args: Args) {
      parser.pushKeysLength(keys)
      parser.push(...args)
    },
    transformReply,
  })
}

export function toText(reply: unknown): string {
  if (typeof reply !== 'string') throw new TypeError(`Redis answered ${typeof reply} for a text`)
  return reply
}

export function toTexts(reply: unknown): string[] {
  if (!Array.isArray(reply)) throw new TypeError(`Redis answered ${typeof reply} for an array`)
  return reply.map(toText)
}
