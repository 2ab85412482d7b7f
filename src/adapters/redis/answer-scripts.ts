import { HELD_LENGTH_MAX, HELD_MAX } from '../memory/answers.ts'
import { script, toTexts } from './scripts.ts'

// KEYS: what is known of an answer (a hash), its text. ARGV: its time to live in ms; for what appends, its chat's channel
// and the head of what is published there. The hash has `length` (the text's, in UTF-16 code units, which Lua cannot count:
// every text comes with its own), `next` (the number of the next piece), the held pieces by their numbers, once there is an
// end `count` and `ending`, and once it is finished `finished`: the ending of whoever did so first. A piece comes without
// the halves of characters at its start and its end, which Redis cannot keep: they are told as code units. `half` is the one
// that waits.

const OPEN = `
if redis.call('EXISTS', KEYS[1]) == 1 then return end
redis.call('HSET', KEYS[1], 'length', ARGV[3], 'next', '0', 'held', '0', 'heldLength', '0')
redis.call('PEXPIRE', KEYS[1], ARGV[1])
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[1])
`

const STATE = `
local state = redis.call('HMGET', KEYS[1], 'length', 'finished', 'next', 'held', 'count', 'half')
if not state[1] then return { 'missing' } end
if state[2] then return { 'finished' } end
local function renew()
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  redis.call('PEXPIRE', KEYS[2], ARGV[1])
end
local function append(text, length, next, half)
  redis.call('APPEND', KEYS[2], text)
  local all = tostring(state[1] + length)
  redis.call('HSET', KEYS[1], 'length', all, 'next', next, 'half', half)
  renew()
  if text ~= '' then redis.call('SPUBLISH', ARGV[2], ARGV[3] .. state[1] .. ' ' .. text) end
  return all
end
`

const APPEND = `${STATE}
local length, offset = tonumber(state[1]), tonumber(ARGV[6])
if offset < length then return { 'repeated', state[1] } end
if offset > length then return { 'gap', state[1] } end
return { 'appended', append(ARGV[4], ARGV[5], state[3], state[6] or '') }
`

const ALONE = '\\239\\191\\189'

const JOIN = `
local texts, length, half = {}, 0, state[6] or ''
local function put(text, units)
  texts[#texts + 1] = text
  length = length + units
end
local function char(high, low)
  local code = (high - 0xD800) * 0x400 + (low - 0xDC00) + 0x10000
  local function six(from) return 0x80 + math.floor(code / from) % 0x40 end
  return string.char(0xF0 + math.floor(code / 0x40000), six(0x1000), six(0x40), six(1))
end
local function join(text, units, first, last)
  if half ~= '' and first ~= '' then put(char(half, first), 2)
  elseif first ~= '' or (half ~= '' and text .. last ~= '') then put('${ALONE}', 1) end
  if first .. text .. last ~= '' then half = last end
  put(text, units)
end
`

const PIECE = `${STATE}${JOIN}
local first, last = string.match(ARGV[7], '^(%d*),(%d*)$')
if ARGV[6] == '' then
  join(ARGV[4], ARGV[5], first, last)
  return { 'appended', append(table.concat(texts), length, state[3], half) }
end
local number, next, held = tonumber(ARGV[6]), tonumber(state[3]), tonumber(state[4])
local function due()
  return state[5] and next >= tonumber(state[5]) and redis.call('HGET', KEYS[1], 'ending') or nil
end
if number < next then return { 'repeated', '', due() } end
if number > next then
  if redis.call('HEXISTS', KEYS[1], ARGV[6]) == 1 then return { 'repeated' } end
  local heldLength = redis.call('HGET', KEYS[1], 'heldLength')
  if held >= ${HELD_MAX} or heldLength + ARGV[5] > ${HELD_LENGTH_MAX} then return { 'full' } end
  redis.call('HSET', KEYS[1], ARGV[6], ARGV[5] .. ' ' .. ARGV[7] .. ' ' .. ARGV[4])
  redis.call('HINCRBY', KEYS[1], 'held', 1)
  redis.call('HINCRBY', KEYS[1], 'heldLength', ARGV[5])
  renew()
  return { 'held' }
end
join(ARGV[4], ARGV[5], first, last)
local heldLength, filled = 0, {}
next = next + 1
while #filled < held do
  local piece = redis.call('HGET', KEYS[1], tostring(next))
  if not piece then break end
  local units, first, last, start = string.match(piece, '^(%d+) (%d*),(%d*) ()')
  heldLength = heldLength + units
  join(string.sub(piece, start), units, first, last)
  filled[#filled + 1] = tostring(next)
  next = next + 1
end
if #filled > 0 then
  redis.call('HDEL', KEYS[1], unpack(filled))
  redis.call('HINCRBY', KEYS[1], 'held', -#filled)
  -- Not a minus before it: of 0 that would be none of Redis' integers.
  redis.call('HINCRBY', KEYS[1], 'heldLength', 0 - heldLength)
end
return { 'appended', append(table.concat(texts), length, tostring(next), half), due() }
`

const END = `${STATE}
local count = tonumber(ARGV[2])
if not count then
  count = tonumber(state[3])
  for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
    local number = tonumber(field)
    if number and number >= count then count = number + 1 end
  end
end
if tonumber(state[3]) >= count then return { 'appended', state[1] } end
redis.call('HSET', KEYS[1], 'count', tostring(count), 'ending', ARGV[3])
renew()
return { 'held' }
`

const READ = `
local state = redis.call('HMGET', KEYS[1], 'length', 'finished')
if not state[1] then return { 'missing' } end
return { state[2] and 'finished' or 'open', redis.call('GET', KEYS[2]) or '' }
`

// What is held, and for what, is of no use any more.
const FINISH = `
local state = redis.call('HMGET', KEYS[1], 'length', 'finished', 'next', 'count', 'ending', 'half')
if not state[1] then return { 'missing' } end
local ending = state[2]
if not ending then
  ending = state[4] and tonumber(state[3]) >= tonumber(state[4]) and state[5] or ARGV[2]
  if state[6] and state[6] ~= '' then redis.call('APPEND', KEYS[2], '${ALONE}') end
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'length', state[1], 'finished', ending)
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  redis.call('PEXPIRE', KEYS[2], ARGV[1])
end
return { 'finished', redis.call('GET', KEYS[2]) or '', ending }
`

type Keys = [state: string, text: string]
type Appending = [ttlMs: string, channel: string, head: string, text: string, length: string, place: string]

export const answerScripts = {
  openAnswer: script<Keys, [ttlMs: string, text: string, length: string], void>(OPEN, () => {}),
  appendAnswer: script<Keys, Appending, string[]>(APPEND, toTexts),
  addAnswerPiece: script<Keys, [...Appending, halves: string], string[]>(PIECE, toTexts),
  endAnswerPieces: script<Keys, [ttlMs: string, count: string, ending: string], string[]>(END, toTexts),
  readAnswer: script<Keys, [], string[]>(READ, toTexts),
  finishAnswer: script<Keys, [ttlMs: string, ending: string], string[]>(FINISH, toTexts),
}
