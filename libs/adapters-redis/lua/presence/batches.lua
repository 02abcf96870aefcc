-- Shared by apply and restore: which batches of a gateway are known. "--- @include batches".
--
--   floor    every batch up to it is applied, or overtaken by a restore
--   ahead    batches above the floor that are applied already
--   closed   sessions closed by batches above the point from which opens may still come late

-- Moves the floor over the batches that follow it without a hole, and forgets tombstones that nothing can need:
-- an `opened` from a batch at or below the floor is no longer accepted. While a restore is coming in, what was closed
-- after its seq is still needed, or its later parts would open it again.
local function settle(gateway_key, ahead_key, closed_key, floor)
  while redis.call('ZREM', ahead_key, string.format('%.0f', floor + 1)) == 1 do
    floor = floor + 1
  end
  redis.call('HSET', gateway_key, 'floor', string.format('%.0f', floor))
  local restoring = redis.call('HGET', gateway_key, 'restoring')
  local forget = restoring and math.min(tonumber(restoring), floor) or floor
  redis.call('ZREMRANGEBYSCORE', closed_key, '-inf', string.format('%.0f', forget))
  return floor
end
