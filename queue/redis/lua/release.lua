#!lua flags=allow-oom
-- Gives messages back, ready at once at the front of their lines or after a delay. Who lost the lease
-- gives nothing back. A release does not count as a delivery.
--   KEYS[1] prefix   ARGV (id, token, delay in ms)*   -> how many were given back
local P, released = KEYS[1], 0
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- Backwards, so that those first delivered are first again.
for i = #ARGV - 2, 1, -3 do
  local id, delay = ARGV[i], tonumber(ARGV[i + 2])
  local message = P .. 'm:' .. id
  local m = redis.call('HMGET', message, 't', 'f', 'p')
  if m[1] == ARGV[i + 1] then
    redis.call('ZREM', P .. 'lease', id)
    redis.call('HDEL', message, 't')
    redis.call('HINCRBY', message, 'a', -1)
    if delay > 0 then
      redis.call('ZADD', P .. 'delay', now + delay, id)
    elseif redis.call('LPUSH', P .. 'r:' .. m[3] .. ':' .. m[2], id) == 1 then
      redis.call('LPUSH', P .. 'ring:' .. m[3], m[2])
    end
    released = released + 1
  end
end
-- Also for a delay: who wakes learns when it is due.
if released > 0 then redis.call('ZADD', P .. 'wake', 0, '0') end
return released
