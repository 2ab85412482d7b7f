import { script, toText } from './scripts.ts'
import { HEADER_BYTES } from './session-text.ts'

// For the form of a sealed session's text see session-text.ts. A seal is rare, so the whole text may go through Lua.

// KEYS: the session's text. ARGV: the time to live in ms, the chat, the account. Answers with the text.
const SEAL = `
local mark, count = string.match(redis.call('GETRANGE', KEYS[1], '0', '${HEADER_BYTES - 1}'), '^%d+([ !])(%d+)')
if not mark or tonumber(count) == 0 then return '' end
if mark == ' ' then
  redis.call('SETRANGE', KEYS[1], '16', '!')
  redis.call('APPEND', KEYS[1], ARGV[2] .. ' ' .. ARGV[3])
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
end
return redis.call('GET', KEYS[1])
`

// KEYS: the session's text. ARGV: the chat.
const UNSEAL = `
local text = redis.call('GET', KEYS[1])
if not text then return end
local kept, chat = string.match(text, '^(%d+!.*\\30)([^ \\30]+) [^ \\30]+$')
if chat ~= ARGV[1] then return end
redis.call('SET', KEYS[1], string.sub(kept, 1, 16) .. ' ' .. string.sub(kept, 18), 'KEEPTTL')
`

// KEYS: the session's text. ARGV: the time to live in ms, the channel, the text to publish, the chat, the seq.
const PROMOTED = `
local chat = string.match(redis.call('GETRANGE', KEYS[1], '-100', '-1'), '\\30([^ \\30]+) [^ \\30]+$')
if chat ~= ARGV[4] then return end
local position = redis.call('GETRANGE', KEYS[1], '0', '15') + 1
redis.call('SETRANGE', KEYS[1], '0', string.format('%016d', position))
redis.call('APPEND', KEYS[1], ' ' .. ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
redis.call('SPUBLISH', ARGV[2], string.format('%d ', position) .. ARGV[3])
`

type Key = [key: string]

export const sealScripts = {
  sealSession: script<Key, [ttlMs: string, chatId: string, accountId: string], string>(SEAL, toText),
  unsealSession: script<Key, [chatId: string], void>(UNSEAL, () => {}),
  tellPromoted: script<Key, [ttlMs: string, channel: string, told: string, chatId: string, seq: string], void>(
    PROMOTED,
    () => {},
  ),
}
