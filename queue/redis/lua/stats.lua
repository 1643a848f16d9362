#!lua flags=no-writes
-- How much waits and since when. The watermark of a priority is the time of the oldest message that
-- waits: everything put before it has been delivered. Lines and delays looked at are bounded; what
-- is beyond is at worst put again and refused as a duplicate.
--   KEYS[1] prefix   ARGV ms that a function may be behind before it is named
--   -> {now, depth, leased, delayed, watermark of 0, 1, 2, (function, its watermark)*, '', (function, its messages)*}
local P, slack = KEYS[1], tonumber(ARGV[1])
local lines_max, delays_max, lagging_max, functions_max = 5000, 1000, 2000, 10000
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local watermarks, oldest_of = { now, now, now }, {}

local function count(fn, priority, put_at)
  local at = tonumber(put_at)
  watermarks[priority + 1] = math.min(watermarks[priority + 1], at)
  if not oldest_of[fn] or at < oldest_of[fn] then oldest_of[fn] = at end
end
for priority = 0, 2 do
  for _, fn in ipairs(redis.call('LRANGE', P .. 'ring:' .. priority, 0, lines_max - 1)) do
    local first = redis.call('LINDEX', P .. 'r:' .. priority .. ':' .. fn, 0)
    local put_at = first and redis.call('HGET', P .. 'm:' .. first, 'e')
    if put_at then count(fn, priority, put_at) end
  end
end
for _, id in ipairs(redis.call('ZRANGE', P .. 'delay', 0, delays_max - 1)) do
  local m = redis.call('HMGET', P .. 'm:' .. id, 'f', 'p', 'e')
  if m[1] then count(m[1], tonumber(m[2]), m[3]) end
end

local reply = {
  now, tonumber(redis.call('HGET', P .. 'c', 'depth') or 0), redis.call('ZCARD', P .. 'lease'),
  redis.call('ZCARD', P .. 'delay'), watermarks[1], watermarks[2], watermarks[3]
}
local lagging = 0
for fn, at in pairs(oldest_of) do
  if at <= now - slack and lagging < lagging_max then
    reply[#reply + 1] = fn
    reply[#reply + 1] = at
    lagging = lagging + 1
  end
end
reply[#reply + 1] = ''
if redis.call('HLEN', P .. 'n') <= functions_max then
  for _, field in ipairs(redis.call('HGETALL', P .. 'n')) do reply[#reply + 1] = field end
end
return reply
