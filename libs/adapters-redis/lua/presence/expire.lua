-- Ends sessions of one gateway incarnation whose lease is over, a bounded number of them.
--
-- KEYS  1 leases  2 online, as in apply.lua
--       3 sweep       HASH  at: when this script last ran, hold: nothing ends before, both ms
--       and, of a gateway whose lease is over: <prefix>{gateway,sessions,closed,ahead,parts}:<gateway>,
--       and the keys named in sessions.lua
-- ARGV  1 prefix  2 lease, ms  3 most sessions to end  4 how long lastSeen is kept, ms
-- Returns  {code, now, then for each user whose status changed: user, open sessions, lastSeen in ms}
--       code 0 nothing is left to end · 1 call again
-- Effects  a gateway with more sessions than the bound is marked dying: until the last one is ended, nothing that it
--       sends is taken. With its last session all of its keys go.
--- @include sessions
local leases, online, sweep = KEYS[1], KEYS[2], KEYS[3]
local prefix, lease, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local now = now_ms()

local state = redis.call('HMGET', sweep, 'at', 'hold')
local at, hold = tonumber(state[1] or nil), tonumber(state[2] or nil)
redis.call('HSET', sweep, 'at', string.format('%.0f', now))
-- Nobody looked for a while (this server or all presence pods were away, or the clock jumped), or a restart lost when:
-- renewals were lost too.
if not at or now - at > lease / 2 then
  hold = now + lease
  redis.call('HSET', sweep, 'hold', string.format('%.0f', hold))
end
if hold and now < hold and hold <= now + lease then
  return { 0, now }
end

local gateway = redis.call('ZRANGEBYSCORE', leases, '-inf', now, 'LIMIT', 0, 1)[1]
if not gateway then
  return { 0, now }
end
local gateway_key, sessions = prefix .. 'gateway:' .. gateway, prefix .. 'sessions:' .. gateway
local renewed = tonumber(redis.call('HGET', gateway_key, 'renewed') or now)
local members = redis.call('ZRANGE', sessions, 0, most - 1)
for _, member in ipairs(members) do
  local user, session = split_member(member)
  redis.call('ZREM', sessions, member)
  close_session(prefix, gateway, user, session, renewed, ARGV[4])
end
if #members < most then
  redis.call('ZREM', leases, gateway)
  redis.call('DEL', gateway_key, sessions, prefix .. 'closed:' .. gateway, prefix .. 'ahead:' .. gateway,
    prefix .. 'parts:' .. gateway)
else
  redis.call('HSET', gateway_key, 'dying', '1')
end
return report(prefix, online, now, { 1, now })
