-- Reads the presence of users at one moment.
--
-- KEYS  for each user: <prefix>user:<user>, <prefix>seen:<user>, as in sessions.lua
-- ARGV  none
-- Returns  {now, then for each user: open sessions, lastSeen in ms or false}
-- Effects  none
local time = redis.call('TIME')
local reply = { tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000) }
for i = 1, #KEYS, 2 do
  reply[#reply + 1] = redis.call('HLEN', KEYS[i])
  local seen = redis.call('GET', KEYS[i + 1])
  reply[#reply + 1] = seen and tonumber(seen)
end
return reply
