#!lua
-- Puts messages at the end of their functions' lines; ids that are here already stay where they are.
-- Refused as a whole while the server takes no writes (no allow-oom): then nothing of it has run.
--   KEYS[1] prefix   ARGV most messages, then (id, function, priority)*
--   -> for each: 1 queued, 0 duplicate, -1 full
local P, counters = KEYS[1], KEYS[1] .. 'c'
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local depth, most = tonumber(redis.call('HGET', counters, 'depth') or 0), tonumber(ARGV[1])
local answers, added = {}, 0
for i = 2, #ARGV, 3 do
  local id, fn, priority = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local message = P .. 'm:' .. id
  if redis.call('EXISTS', message) == 1 then
    answers[#answers + 1] = 0
  elseif depth + added >= most then
    answers[#answers + 1] = -1
  else
    redis.call('HSET', message, 'f', fn, 'p', priority, 'e', now)
    if redis.call('RPUSH', P .. 'r:' .. priority .. ':' .. fn, id) == 1 then
      redis.call('RPUSH', P .. 'ring:' .. priority, fn)
    end
    redis.call('HINCRBY', P .. 'n', fn, 1)
    added = added + 1
    answers[#answers + 1] = 1
  end
end
if added > 0 then
  redis.call('HINCRBY', counters, 'depth', added)
  redis.call('ZADD', P .. 'wake', 0, '0')
end
return answers
