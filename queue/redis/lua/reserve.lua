#!lua flags=allow-oom
-- Leases ready messages: priority 2 before 1 before 0, functions in turn, first in first out. First it
-- makes ready again what is due: ended leases and delays. A message whose lease ended after the last
-- delivery it may have is dropped whole, else its id would be refused as a duplicate for ever.
--   KEYS[1] prefix   ARGV most messages, milliseconds of a lease, most deliveries
--   -> {ms until something is due or -1, number dropped, (id, token, deliveries, function, priority, put at)*}
local P, counters = KEYS[1], KEYS[1] .. 'c'
local wanted, lease_ms, deliveries_max = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local due_batch = 100

local function count_down(fn)
  redis.call('HINCRBY', counters, 'depth', -1)
  if redis.call('HINCRBY', P .. 'n', fn, -1) <= 0 then redis.call('HDEL', P .. 'n', fn) end
end

-- To the front of its line: it is older than what waits there.
local function make_ready(id, fn, priority)
  if redis.call('LPUSH', P .. 'r:' .. priority .. ':' .. fn, id) == 1 then
    redis.call('RPUSH', P .. 'ring:' .. priority, fn)
  end
end

local dropped = 0
local function end_lease(id)
  local message = P .. 'm:' .. id
  local m = redis.call('HMGET', message, 'f', 'p', 'a')
  if not m[1] then return end
  if tonumber(m[3] or 0) >= deliveries_max then
    redis.call('DEL', message)
    redis.call('ZADD', P .. 'dead', now, id)
    redis.call('ZREMRANGEBYRANK', P .. 'dead', 0, -1001)
    count_down(m[1])
    dropped = dropped + 1
  else
    redis.call('HDEL', message, 't')
    make_ready(id, m[1], m[2])
  end
end

local function end_delay(id)
  local m = redis.call('HMGET', P .. 'm:' .. id, 'f', 'p')
  if m[1] then make_ready(id, m[1], m[2]) end
end

-- The first to be due goes to the front last.
local function take_due(key, make)
  local ids = redis.call('ZRANGEBYSCORE', key, '-inf', now, 'LIMIT', 0, due_batch)
  for i = #ids, 1, -1 do
    redis.call('ZREM', key, ids[i])
    make(ids[i])
  end
end
take_due(P .. 'delay', end_delay)
take_due(P .. 'lease', end_lease)

local taken, count, left = {}, 0, false
for priority = 2, 0, -1 do
  local ring = P .. 'ring:' .. priority
  while count < wanted do
    local fn = redis.call('LMOVE', ring, ring, 'LEFT', 'RIGHT')
    if not fn then break end
    local line = P .. 'r:' .. priority .. ':' .. fn
    local id = redis.call('LPOP', line)
    if redis.call('EXISTS', line) == 0 then redis.call('RPOP', ring) end
    local message = P .. 'm:' .. (id or '')
    local put_at = id and redis.call('HGET', message, 'e')
    if put_at then
      local token = redis.call('HINCRBY', counters, 'seq', 1)
      redis.call('HSET', message, 't', token)
      local deliveries = redis.call('HINCRBY', message, 'a', 1)
      redis.call('ZADD', P .. 'lease', now + lease_ms, id)
      for _, field in ipairs({ id, token, deliveries, fn, priority, put_at }) do taken[#taken + 1] = field end
      count = count + 1
    end
  end
  left = left or redis.call('EXISTS', ring) == 1
end

-- Another consumer may have room for what is left.
if left then redis.call('ZADD', P .. 'wake', 0, '0') end
local next_due = -1
for _, key in ipairs({ P .. 'lease', P .. 'delay' }) do
  local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  if first[2] then
    local due_in = math.max(0, tonumber(first[2]) - now)
    if next_due < 0 or due_in < next_due then next_due = due_in end
  end
end
local reply = { next_due, dropped }
for _, field in ipairs(taken) do reply[#reply + 1] = field end
return reply
