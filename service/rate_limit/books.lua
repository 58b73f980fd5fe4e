-- The calls of one location as all processes share them. What is done here and why is said in
-- service/highlevel/books.py, which does the same for one process; a test holds that both answer alike.
-- KEYS: the calls (sorted set: ticket by the moment it was answered, or will have been at the latest), the state (hash)
-- ARGV: the step; the moment (empty: the server's own time); the allowance: calls, interval, day, kept, longest;
--   take: urgent (1 or 0)
--   others: ticket, retry after, burst left, burst limit, day left, day limit, interval, day's reset; empty: not said
-- Times are microseconds. A ticket begins with the moment of its grant, unless a process granted it to itself.
local CALLS, STATE, STEP = KEYS[1], KEYS[2], ARGV[1]
local SECOND = 1000000
local HOUR, DAY = 3600 * SECOND, 86400 * SECOND
local kept, longest = tonumber(ARGV[6]), tonumber(ARGV[7])

local now = tonumber(ARGV[2])
if not now then
  local time = redis.call('TIME')
  now = time[1] * SECOND + time[2]
end

local NAMES = {'max', 'interval', 'foreign', 'news', 'paused', 'struck', 'strikes', 'day_limit', 'day_left', 'day_ends', 'number', 'seen'}
local s = {}
for index, value in ipairs(redis.call('HMGET', STATE, unpack(NAMES))) do
  s[NAMES[index]] = tonumber(value or nil)
end
if s.seen and now < s.seen - SECOND then
  -- The server's clock was put back: what was kept has no meaning any more.
  redis.call('DEL', CALLS, STATE)
  s = {}
end
s.seen = now
s.max, s.interval = s.max or tonumber(ARGV[3]), s.interval or tonumber(ARGV[4])
s.day_limit, s.day_left, s.day_ends = s.day_limit or tonumber(ARGV[5]), s.day_left or 0, s.day_ends or 0
s.foreign, s.paused, s.struck = s.foreign or 0, s.paused or 0, s.struck or 0
s.strikes, s.number = s.strikes or 0, s.number or 0
if now >= s.day_ends then
  s.day_left, s.day_ends = s.day_limit, now + DAY
end

local function text(number)
  return string.format('%.0f', number)
end

local function count(after)
  return redis.call('ZCOUNT', CALLS, '(' .. text(after), '+inf')
end

local function granted_at(ticket)
  return tonumber(string.match(ticket, '^%d+'))
end

-- Calls under way that were granted a moment ago.
local function lately()
  return count(math.max(now, now - math.floor(s.interval / 4) + longest))
end

-- Microseconds until it makes sense to ask again; 0: there is leave.
local function wait(urgent)
  if now < s.paused then
    return s.paused - now
  end
  if s.day_left <= 0 then
    return math.min(s.day_ends - now, HOUR)
  end
  local reserve = urgent and 0 or math.min(kept, math.floor(s.max / 2))
  local margin = s.foreign > 0 and 1 + math.floor(math.min(s.foreign, s.max - s.foreign) / 20) or 0
  local room = s.max - s.foreign - margin - reserve
  local after = now - s.interval
  local taken = count(after)
  if taken < room then
    local silence = s.foreign > 0 and math.floor(s.interval / 4) or s.interval
    if (not s.news or now - s.news > silence) and lately() >= math.max(math.floor(s.max / 10), 1) then
      return math.floor(s.interval / 200)
    end
    return 0
  end
  if taken == 0 or (s.foreign > 0 and taken == count(now)) then
    if lately() > 0 then return math.floor(s.interval / 4) end
    return s.news and math.max(s.news + math.floor(s.interval / 4) - now, 0) or 0
  end
  local rank = math.min(taken - room, taken - 1)
  local freed = redis.call('ZRANGEBYSCORE', CALLS, '(' .. text(after), '+inf', 'WITHSCORES', 'LIMIT', rank, 1)
  return math.min(tonumber(freed[2]), now) + s.interval - now
end

local said = {}
local function learn()
  for index, name in ipairs({'burst_left', 'burst_limit', 'day_left', 'day_limit', 'interval', 'day_reset'}) do
    said[name] = tonumber(ARGV[9 + index])
  end
  if (said.burst_limit or 0) > 0 then s.max = said.burst_limit end
  if (said.interval or 0) > 0 then
    local usual = tonumber(ARGV[4])
    s.interval = math.min(math.max(said.interval, math.floor(usual / 10)), usual * 6)
  end
  if (said.day_limit or 0) > 0 then s.day_limit = said.day_limit end
  if said.day_left then s.day_left = said.day_left - count(now) end
  if said.day_reset then
    s.day_ends = now + math.min(said.day_reset, DAY)
  elseif said.day_left == 0 then
    s.day_ends = now + HOUR
  end
end

-- What an answer proves of the others.
local function reckon(granted, used, unheard)
  if unheard then s.foreign = s.max end
  s.foreign = math.max(s.foreign, used - count(granted - s.interval))
  if s.foreign > 0 then
    local after, ours = now - s.interval, 1
    for _, ticket in ipairs(redis.call('ZRANGEBYSCORE', CALLS, '(' .. text(after), '(' .. text(granted))) do
      if (granted_at(ticket) or 0) > after then ours = ours + 1 end
    end
    s.foreign = math.min(s.foreign, math.max(used - ours, 0))
  end
end

local STEPS = {}

function STEPS.take()
  local microseconds = wait(ARGV[8] == '1')
  if microseconds > 0 then
    return {'', microseconds}
  end
  s.number = s.number + 1
  s.day_left = s.day_left - 1
  local ticket = text(now) .. '-' .. text(s.number)
  redis.call('ZADD', CALLS, text(now + longest), ticket)
  return {ticket, 0}
end

function STEPS.answered()
  local ticket = ARGV[8]
  local granted = granted_at(ticket) or now
  redis.call('ZADD', CALLS, text(now), ticket)
  local unheard = not s.news or granted - s.news > s.interval
  s.news = now
  if granted >= s.struck then s.strikes = 0 end
  learn()
  if said.burst_left then reckon(granted, s.max - said.burst_left, unheard) end
end

function STEPS.unsent()
  if redis.call('ZREM', CALLS, ARGV[8]) == 1 then s.day_left = s.day_left + 1 end
end

function STEPS.refused()
  STEPS.unsent()
  s.news = now
  learn()
  if (granted_at(ARGV[8]) or now) >= s.struck then
    s.strikes, s.struck = math.min(s.strikes + 1, 10), now + 1
  end
  local pause = math.min(math.floor(s.interval / 40) * 2 ^ math.max(s.strikes - 1, 0), s.interval)
  local retry_after = tonumber(ARGV[9])
  if retry_after then pause = math.min(math.max(retry_after, 0), HOUR) end
  s.paused = math.max(s.paused, now + pause)
  if s.day_left > 0 then s.foreign = math.max(s.foreign, s.max - count(now - s.interval)) end
end

redis.call('ZREMRANGEBYSCORE', CALLS, '-inf', text(now - s.interval - longest))
local reply = STEPS[STEP]()
local changes = {}
for name, value in pairs(s) do
  changes[#changes + 1] = name
  changes[#changes + 1] = text(value)
end
redis.call('HSET', STATE, unpack(changes))
redis.call('PEXPIRE', CALLS, text((2 * s.interval + 2 * longest) / 1000))
redis.call('PEXPIRE', STATE, text((DAY + HOUR) / 1000))
return reply
