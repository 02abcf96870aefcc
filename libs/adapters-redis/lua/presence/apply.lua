-- Applies one numbered batch of session changes of one gateway incarnation and renews its lease.
--
-- KEYS  1 leases      ZSET  gateway -> end of its lease, ms
--       2 gateway     HASH  floor, renewed (ms), restoring (seq), parts, suspect, dying
--       3 sessions    ZSET  "<user>|<session>" -> seq that opened or last restored it
--       4 closed      ZSET  "<user>|<session>" -> seq that closed it (tombstones; only while a hole is open)
--       5 ahead       ZSET  seqs applied above a hole
--       6 online      SET   users with a session
--       and the keys named in sessions.lua
-- ARGV  1 prefix  2 gateway  3 lease, ms  4 seq  5 most batches ahead  6 how long lastSeen is kept, ms
--       then for each change: user, session, 'opened' | 'closed'
-- Returns  {code, now, then for each user whose status changed: user, open sessions, lastSeen in ms}
--       code 0 applied · 1 known before, nothing done · 2 not applied: the gateway has to restore its sessions
-- Effects  writes all keys above, in one step; nothing but the lease when the code is 1 or 2, nothing at all when the
--       gateway's sessions are being ended
--- @include sessions
--- @include batches
local leases, gateway_key, sessions, closed, ahead, online = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local prefix, gateway, seq = ARGV[1], ARGV[2], tonumber(ARGV[4])
local now = now_ms()

if redis.call('HEXISTS', gateway_key, 'dying') == 1 then
  return { 2, now }
end
redis.call('ZADD', leases, now + tonumber(ARGV[3]), gateway)
redis.call('HSET', gateway_key, 'renewed', string.format('%.0f', now))

local floor = tonumber(redis.call('HGET', gateway_key, 'floor') or nil)
if not floor then
  floor = 0
  -- A gateway that is not new but unknown lost its sessions here: its next renewal must say so at once.
  redis.call('HSET', gateway_key, 'floor', '0', 'suspect', '0')
end
if seq <= floor or redis.call('ZSCORE', ahead, ARGV[4]) then
  return { 1, now }
end
if seq > floor + 1 and redis.call('ZCARD', ahead) >= tonumber(ARGV[5]) then
  return { 2, now }
end

-- Without a hole below it and without a restore under way, nothing late can come that a tombstone would have to stop.
local keep_closed = seq > floor + 1 or redis.call('HEXISTS', gateway_key, 'restoring') == 1
for i = 7, #ARGV, 3 do
  local user, session = ARGV[i], ARGV[i + 1]
  local member = user .. '|' .. session
  if ARGV[i + 2] == 'opened' then
    if not redis.call('ZSCORE', closed, member) and redis.call('ZADD', sessions, 'NX', seq, member) == 1 then
      open_session(prefix, gateway, user, session)
    end
  else
    if keep_closed then
      redis.call('ZADD', closed, seq, member)
    end
    if redis.call('ZREM', sessions, member) == 1 then
      close_session(prefix, gateway, user, session, now, ARGV[6])
    end
  end
end

if seq == floor + 1 then
  settle(gateway_key, ahead, closed, seq)
else
  redis.call('ZADD', ahead, seq, ARGV[4])
end
return report(prefix, online, now, { 0, now })
