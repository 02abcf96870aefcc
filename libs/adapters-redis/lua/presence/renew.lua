-- Renews the lease of all sessions of one gateway incarnation.
--
-- KEYS  1 leases  2 gateway, as in apply.lua
-- ARGV  1 gateway  2 lease, ms  3 seq of the newest batch that the gateway has sent
-- Returns  1 all of its sessions are known · 0 they are not: it has to restore them
-- Effects  the lease; the mark that a batch is missing. A gateway that is unknown and has sent nothing becomes known;
--       one that is unknown and has sent something does not, until it restores.
local leases, gateway_key = KEYS[1], KEYS[2]
local gateway, seq = ARGV[1], tonumber(ARGV[3])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local state = redis.call('HMGET', gateway_key, 'floor', 'restoring', 'suspect', 'dying')
local floor, restoring, suspect, dying = state[1], state[2], state[3], state[4]
if dying or (not floor and seq > 0) then
  return 0
end
if not floor then
  floor = '0'
  redis.call('HSET', gateway_key, 'floor', floor)
end
redis.call('ZADD', leases, now + tonumber(ARGV[2]), gateway)
redis.call('HSET', gateway_key, 'renewed', string.format('%.0f', now))

if not restoring and tonumber(floor) >= seq then
  redis.call('HDEL', gateway_key, 'suspect')
  return 1
end
-- A batch may just be late, at another pod. It is lost when the floor has not moved since the last renewal.
local hole = restoring and ('restoring ' .. restoring) or floor
if suspect == hole then
  return 0
end
redis.call('HSET', gateway_key, 'suspect', hole)
return 1
