/**
 * Appends once: returns the place, and 1 when the message was there already. A place is the time in microseconds, or one more than
 * the place before it when the clock of the server is behind; so no place is given twice, even after a fail-over to a replica
 * that had not received the last messages.
 *
 * Keys: id of the message, the room's last place, the room's stream. Arguments: channel, seconds that ids are remembered,
 * messages that a room keeps at most (0: all), age in seconds (0: any), the message's JSON before `seq`, after `prevSeq`, and after `time`,
 * and the command that publishes.
 */
export const APPEND = `
local known = redis.call('GET', KEYS[1])
if known then return { known, 1 } end
local now = redis.call('TIME')
local clock = tonumber(now[1]) * 1000000 + tonumber(now[2])
local last = tonumber(redis.call('GET', KEYS[2]) or '0')
local seq = math.max(clock, last + 1)
local place = string.format('%.0f', seq)
local before = string.format('%.0f', last)
local time = string.format('%.0f', math.floor(clock / 1000))
local payload = ARGV[5] .. place .. ',"prevSeq":' .. before .. ARGV[6] .. time .. ARGV[7]
redis.call('SET', KEYS[2], place)
redis.call('SET', KEYS[1], place, 'EX', ARGV[2])
if ARGV[3] == '0' then
  redis.call('XADD', KEYS[3], place .. '-0', 'p', before, 'j', payload)
else
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[3], place .. '-0', 'p', before, 'j', payload)
end
if ARGV[4] ~= '0' then
  redis.call('XTRIM', KEYS[3], 'MINID', '~', string.format('%.0f', clock - tonumber(ARGV[4]) * 1000000) .. '-0')
end
redis.call(ARGV[8], ARGV[1], place .. ' ' .. before .. ' ' .. payload)
return { place, 0 }
`

/**
 * Compare and set. Keys: the value's hash. Arguments: expected version (0: none), text. Returns the new version, or nothing when
 * there is another one.
 */
export const PUT = `
local version = redis.call('HGET', KEYS[1], 'version') or '0'
if version ~= ARGV[1] then return false end
local now = redis.call('TIME')
local new = math.max(tonumber(now[1]) * 1000000 + tonumber(now[2]), tonumber(version) + 1)
local text = string.format('%.0f', new)
redis.call('HSET', KEYS[1], 'version', text, 'text', ARGV[2])
return text
`
