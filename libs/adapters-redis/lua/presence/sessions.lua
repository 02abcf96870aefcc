-- Shared by the presence scripts; pasted where they say "--- @include sessions".
--
-- Keys that are made here, from ids that the adapter has checked against the id pattern:
--   <prefix>user:<user>  HASH  "<gateway>|<session>" -> status of that session; the user is online while it exists
--   <prefix>seen:<user>  STRING  when the user's last session so far ended, ms since 1970, with an expiry

-- Milliseconds since 1970, by this server: the only clock that presence uses.
local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- Users that this call touched, in order, with the sessions that each had before.
local touched, sessions_before = {}, {}

local function touch(user_key, user)
  if sessions_before[user] == nil then
    sessions_before[user] = redis.call('HLEN', user_key)
    touched[#touched + 1] = user
  end
end

local function open_session(prefix, gateway, user, session)
  local key = prefix .. 'user:' .. user
  touch(key, user)
  redis.call('HSET', key, gateway .. '|' .. session, 'online')
end

local function close_session(prefix, gateway, user, session, at, seen_kept_ms)
  local key = prefix .. 'user:' .. user
  touch(key, user)
  redis.call('HDEL', key, gateway .. '|' .. session)
  local seen_key = prefix .. 'seen:' .. user
  local seen = redis.call('GET', seen_key)
  -- A session that ended with its gateway's lease was last seen when that was renewed, perhaps before another ended.
  if not seen or tonumber(seen) < at then
    redis.call('SET', seen_key, string.format('%.0f', at), 'PX', seen_kept_ms)
  end
end

-- Puts the users whose status changed in this call into the set of online users or takes them out, and lists them
-- behind `reply`: user, open sessions, lastSeen in ms.
local function report(prefix, online_key, now, reply)
  for _, user in ipairs(touched) do
    local before, after = sessions_before[user], redis.call('HLEN', prefix .. 'user:' .. user)
    if before == 0 and after > 0 then
      redis.call('SADD', online_key, user)
      reply[#reply + 1], reply[#reply + 2], reply[#reply + 3] = user, after, now
    elseif before > 0 and after == 0 then
      redis.call('SREM', online_key, user)
      local seen = tonumber(redis.call('GET', prefix .. 'seen:' .. user))
      reply[#reply + 1], reply[#reply + 2], reply[#reply + 3] = user, 0, seen
    end
  end
  return reply
end

-- "<user>|<session>": ids cannot contain the bar.
local function split_member(member)
  local bar = string.find(member, '|', 1, true)
  return string.sub(member, 1, bar - 1), string.sub(member, bar + 1)
end
