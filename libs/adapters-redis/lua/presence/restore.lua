-- Takes one part of all sessions that a gateway incarnation has open after its batch seq, and renews its lease.
--
-- KEYS  1 leases  2 gateway  3 sessions  4 closed  5 ahead  6 online, as in apply.lua
--       7 parts       SET   numbers of the parts that have come in
--       and the keys named in sessions.lua
-- ARGV  1 prefix  2 gateway  3 lease, ms  4 seq  5 part  6 parts  7 how long lastSeen is kept, ms
--       then for each session: user, session
-- Returns  {code, now, then for each user whose status changed: user, open sessions, lastSeen in ms}
--       code 0 taken, others are to come · 1 older than what is known, nothing done · 2 not taken: the gateway's
--       sessions are being ended, it has to restore them again · 3 taken, all parts are in
-- Effects  writes all keys above, in one step; with code 3 closes the gateway's sessions that were in no part
--- @include sessions
--- @include batches
local leases, gateway_key, sessions, closed, ahead, online = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local parts_key = KEYS[7]
local prefix, gateway, seq = ARGV[1], ARGV[2], tonumber(ARGV[4])
local now = now_ms()

if redis.call('HEXISTS', gateway_key, 'dying') == 1 then
  return { 2, now }
end
redis.call('ZADD', leases, now + tonumber(ARGV[3]), gateway)
redis.call('HSET', gateway_key, 'renewed', string.format('%.0f', now))

local floor = tonumber(redis.call('HGET', gateway_key, 'floor') or nil)
local restoring = tonumber(redis.call('HGET', gateway_key, 'restoring') or nil)
if restoring ~= seq then
  if restoring and seq < restoring or not restoring and floor and seq <= floor then
    return { 1, now }
  end
  -- From here on older batches are ignored: what they said is in this restore, and half of it may be here already.
  redis.call('DEL', parts_key)
  redis.call('HSET', gateway_key, 'restoring', ARGV[4], 'parts', ARGV[6])
  redis.call('ZREMRANGEBYSCORE', ahead, '-inf', ARGV[4])
  floor = settle(gateway_key, ahead, closed, math.max(floor or 0, seq))
end

for i = 8, #ARGV, 2 do
  local user, session = ARGV[i], ARGV[i + 1]
  local member = user .. '|' .. session
  if not redis.call('ZSCORE', closed, member) then
    local known = redis.call('ZSCORE', sessions, member)
    redis.call('ZADD', sessions, 'GT', seq, member)
    if not known then
      open_session(prefix, gateway, user, session)
    end
  end
end

redis.call('SADD', parts_key, ARGV[5])
local code = 0
if redis.call('SCARD', parts_key) >= tonumber(redis.call('HGET', gateway_key, 'parts')) then
  code = 3
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', sessions, '-inf', '(' .. ARGV[4])) do
    local user, session = split_member(member)
    redis.call('ZREM', sessions, member)
    close_session(prefix, gateway, user, session, now, ARGV[7])
  end
  redis.call('DEL', parts_key)
  redis.call('HDEL', gateway_key, 'restoring', 'parts', 'suspect')
  settle(gateway_key, ahead, closed, floor)
end
return report(prefix, online, now, { code, now })
