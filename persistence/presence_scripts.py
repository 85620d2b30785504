"""What happens to presence in Redis in one step. Every script gets the prefix of the keys as its first argument; `docs/between-nodes.md` describes the keys.

For each user three things are kept apart: which devices are there (`present:<user>`), what the others were told (`online`), and whether somebody is about to
tell them (`telling`). A user of whom the first two differ is in `turns`, with the time at which it is to be told. While somebody tells, the turn
stays there with the time until which they have, and nothing else moves it: so what is told of one user is told in order, and nothing
is lost with whoever dies in between.
"""

from __future__ import annotations

from typing import Final

from persistence.scripts import REGISTER

_TURNING: Final = """
local function age_of(era, now) return now - tonumber(era:match('(%d+)$')) end

-- The present era, and whether what was written in another one is missed by the others, whom nobody has told anything else yet.
local function eras(prefix, proposed, now, written, quiet)
  redis.call('SET', prefix .. 'era', string.format('%s %.0f', proposed, now), 'NX')
  local era = redis.call('GET', prefix .. 'era')
  return era, written ~= '' and written ~= era and age_of(era, now) < tonumber(quiet)
end

local function is_here(prefix, user) return redis.call('EXISTS', prefix .. 'present:' .. user) == 1 end
local function is_told(prefix, user) return redis.call('HEXISTS', prefix .. 'online', user) == 1 end
local function is_telling(prefix, user) return redis.call('SISMEMBER', prefix .. 'telling', user) == 1 end

-- The user has a device.
local function come(prefix, user, now)
  redis.call('HDEL', prefix .. 'left', user)
  if is_telling(prefix, user) then return end
  if is_told(prefix, user) then
    redis.call('ZREM', prefix .. 'turns', user)
  else
    redis.call('ZADD', prefix .. 'turns', now, user)
  end
end

-- A device of the user's is gone. Whoever has no other is awaited for a while, the longer the oftener this has happened of late.
local function go(prefix, user, now, at, grace, most, calm, window)
  if is_here(prefix, user) or redis.call('HEXISTS', prefix .. 'left', user) == 1 then return end
  local telling = is_telling(prefix, user)
  if not is_told(prefix, user) then
    if not telling then redis.call('ZREM', prefix .. 'turns', user) end
    return
  end
  local flaps = redis.call('INCR', prefix .. 'flaps:' .. user)
  redis.call('PEXPIRE', prefix .. 'flaps:' .. user, window)
  local due = now + math.min(tonumber(most), grace * 2 ^ math.min(30, math.max(0, flaps - calm)))
  redis.call('HSET', prefix .. 'left', user, string.format('%.0f %.0f', at, due))
  if not telling then redis.call('ZADD', prefix .. 'turns', due, user) end
end
"""

ARRIVED: Final = (
    REGISTER
    + _TURNING
    + """
local prefix, lease, proposed, written, quiet = unpack(ARGV, 1, 5)
local now, before = now_ms(), nil
local era, missed = eras(prefix, proposed, now, written, quiet)
for i = 6, #ARGV, 5 do
  local user, device, node, since, active = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
  if node ~= before then
    register(prefix, node, lease, proposed)
    redis.call('SADD', prefix .. 'present-nodes', node)
    before = node
  end
  redis.call('HSET', prefix .. 'present:' .. user, device .. ' ' .. node, since .. ' ' .. active)
  redis.call('SADD', prefix .. 'present-on:' .. node, user .. ' ' .. device)
  if missed then redis.call('HSETNX', prefix .. 'online', user, since) end
  come(prefix, user, now)
end
return era
"""
)
"""prefix, lease in ms if a node is not registered, proposed era and registration, era of these or '', ms for which an era is new, then per device user, device, node, since, active at -> era."""

LEFT: Final = (
    REGISTER
    + _TURNING
    + """
local prefix, proposed, written, quiet, at, grace, most, calm, window = unpack(ARGV, 1, 9)
local now = now_ms()
local era, missed = eras(prefix, proposed, now, written, quiet)
for i = 10, #ARGV, 3 do
  local user, device, node = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  redis.call('HDEL', prefix .. 'present:' .. user, device .. ' ' .. node)
  redis.call('SREM', prefix .. 'present-on:' .. node, user .. ' ' .. device)
  if missed then redis.call('HSETNX', prefix .. 'online', user, at) end
  go(prefix, user, now, at, grace, most, calm, window)
end
return era
"""
)
"""prefix, proposed era, era of these or '', ms for which an era is new, left at, grace in ms, longest grace, departures without a longer one, ms in which they count, then per device user, device, node -> era."""

TURNS: Final = (
    REGISTER
    + _TURNING
    + """
local prefix, at, grace, longest, calm, window, hold, most = unpack(ARGV, 1, 8)
local now = now_ms()
for _, node in ipairs(redis.call('SMEMBERS', prefix .. 'present-nodes')) do
  if not redis.call('ZSCORE', prefix .. 'nodes', node) then
    local on = prefix .. 'present-on:' .. node
    for _, entry in ipairs(redis.call('SPOP', on, most)) do
      local user, device = entry:match('^(%S+) (.+)$')
      redis.call('HDEL', prefix .. 'present:' .. user, device .. ' ' .. node)
      go(prefix, user, now, at, grace, longest, calm, window)
    end
    if redis.call('SCARD', on) == 0 then redis.call('SREM', prefix .. 'present-nodes', node) end
  end
end
local found = {}
for _, user in ipairs(redis.call('ZRANGEBYSCORE', prefix .. 'turns', '-inf', now, 'LIMIT', 0, most)) do
  local here, told = is_here(prefix, user), is_told(prefix, user)
  if here == told and not is_telling(prefix, user) then
    redis.call('ZREM', prefix .. 'turns', user)
  else
    local left = redis.call('HGET', prefix .. 'left', user)
    if here and not told then redis.call('HSET', prefix .. 'online', user, at) end
    if told and not here then redis.call('HDEL', prefix .. 'online', user) end
    redis.call('SADD', prefix .. 'telling', user)
    redis.call('ZADD', prefix .. 'turns', now + hold, user)
    found[#found + 1] = user
    found[#found + 1] = here and 1 or 0
    found[#found + 1] = left and left:match('^(%S+)') or at
  end
end
return found
"""
)
"""prefix, now, grace in ms, longest grace, departures without a longer one, ms in which they count, ms until given out again, most -> user, 1 if online, left at, and so on."""

TOLD: Final = (
    REGISTER
    + _TURNING
    + """
local prefix = ARGV[1]
local now = now_ms()
for i = 2, #ARGV, 2 do
  local user, said = ARGV[i], ARGV[i + 1] == '1'
  -- Not so if it took too long, and somebody else has been given another turn meanwhile, which counts.
  if is_telling(prefix, user) and is_told(prefix, user) == said then
    redis.call('SREM', prefix .. 'telling', user)
    local here, left = is_here(prefix, user), redis.call('HGET', prefix .. 'left', user)
    if here == said then
      redis.call('ZREM', prefix .. 'turns', user)
      redis.call('HDEL', prefix .. 'left', user)
    else
      redis.call('ZADD', prefix .. 'turns', left and left:match('(%S+)$') or now, user)
    end
  end
end
"""
)
"""prefix, then per turn user, 1 if online."""

ONLINE: Final = (
    REGISTER
    + _TURNING
    + """
local prefix = ARGV[1]
local now, era = now_ms(), redis.call('GET', prefix .. 'era')
local found = {era and age_of(era, now) or 0}
for i = 2, #ARGV do
  local since = redis.call('HGET', prefix .. 'online', ARGV[i])
  if not since and is_here(prefix, ARGV[i]) then since = string.format('%.0f', now) end
  if since then
    found[#found + 1] = ARGV[i]
    found[#found + 1] = since
  end
end
return found
"""
)
"""prefix, users... -> age of the era in ms, then user, since, and so on."""
