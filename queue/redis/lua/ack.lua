#!lua flags=allow-oom
-- Removes messages that are done with. The token tells the lease: who lost it removes nothing.
--   KEYS[1] prefix   ARGV (id, token)*   -> how many were removed
local P, removed = KEYS[1], 0
for i = 1, #ARGV, 2 do
  local id = ARGV[i]
  local message = P .. 'm:' .. id
  local m = redis.call('HMGET', message, 't', 'f')
  if m[1] == ARGV[i + 1] then
    redis.call('ZREM', P .. 'lease', id)
    redis.call('DEL', message)
    if redis.call('HINCRBY', P .. 'n', m[2], -1) <= 0 then redis.call('HDEL', P .. 'n', m[2]) end
    removed = removed + 1
  end
end
if removed > 0 then redis.call('HINCRBY', P .. 'c', 'depth', -removed) end
return removed
