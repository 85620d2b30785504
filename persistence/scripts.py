"""What happens in Redis in one step: the Lua of the inboxes, the cluster and the open chats.

Every script gets the prefix of the keys as its first argument. The keys are those described in `docs/between-nodes.md`.
"""

from __future__ import annotations

from typing import Final

NOW: Final = """
local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
"""
"""For other scripts: the time by Redis' clock."""

# Whoever has anything in Redis that somebody would have to clear away is in `nodes`, so that it is buried should it die.
REGISTER: Final = (
    NOW
    + """
local function register(prefix, node, lease, registration)
  redis.call('ZADD', prefix .. 'nodes', 'NX', now_ms() + lease, node)
  redis.call('HSETNX', prefix .. 'node:' .. node, 'registration', registration)
  return redis.call('HGET', prefix .. 'node:' .. node, 'registration')
end
"""
)

FOLLOW: Final = (
    REGISTER
    + """
local prefix, me, lease, proposed = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local registration = register(prefix, me, lease, proposed)
for i = 5, #ARGV do
  redis.call('SADD', prefix .. 'topics:' .. me, ARGV[i])
  redis.call('SADD', prefix .. 'interest:' .. ARGV[i], me)
end
return registration
"""
)
"""prefix, node, lease in ms if it is not registered, proposed registration, topics... -> registration."""

UNFOLLOW: Final = """
local prefix, me = ARGV[1], ARGV[2]
for i = 3, #ARGV do
  redis.call('SREM', prefix .. 'topics:' .. me, ARGV[i])
  redis.call('SREM', prefix .. 'interest:' .. ARGV[i], me)
end
"""
"""prefix, node, topics..."""

# A publication that is tried again, because its reply was lost, or that arrives after the publisher has given it up, has a number that is not new.
_ENTRIES: Final = """
local function is_new(prefix, me, number)
  local key = prefix .. 'node:' .. me
  local known = redis.call('HMGET', key, 'registration', 'published')
  local unregistered = prefix .. 'published:' .. me
  local published = known[2]
  if not known[1] then published = redis.call('GET', unregistered) end
  if published and tonumber(published) >= tonumber(number) then return false end
  if known[1] then
    redis.call('HSET', key, 'published', number)
  else
    redis.call('SET', unregistered, number, 'EX', 60) -- nobody else would clear it away
  end
  return true
end

local function put(prefix, from, generation, length, node, body)
  local key = prefix .. 'node:' .. node
  local registration = redis.call('HGET', key, 'registration')
  if registration then
    redis.call('XADD', prefix .. 'inbox:' .. node, 'MAXLEN', '~', length, '*', 'r', registration,
               'n', redis.call('HINCRBY', key, 'entries', 1), 'f', from, 'g', generation, 'b', body)
  end
end

local function announce(prefix, from, generation, length, since)
  for _, node in ipairs(redis.call('ZRANGEBYSCORE', prefix .. 'nodes', since, '+inf')) do
    if node ~= from then put(prefix, from, generation, length, node, '') end
  end
end
"""

PUBLISH: Final = (
    _ENTRIES
    + """
local prefix, me, generation, number, length = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
if not is_new(prefix, me, number) then return end
local bodies, nodes, followers = {}, {}, {}
for i = 6, #ARGV, 2 do
  local topic, packed = ARGV[i], ARGV[i + 1]
  local interested = followers[topic]
  if not interested then
    interested = redis.call('SMEMBERS', prefix .. 'interest:' .. topic)
    followers[topic] = interested
  end
  for _, node in ipairs(interested) do
    if node ~= me then
      local body = bodies[node]
      if not body then
        body = {}
        bodies[node] = body
        nodes[#nodes + 1] = node
      end
      body[#body + 1] = packed
    end
  end
end
for _, node in ipairs(nodes) do
  put(prefix, me, generation, length, node, table.concat(bodies[node]))
end
"""
)
"""prefix, node, generation, number, inbox length, then per run of envelopes its topic and the envelopes, packed."""

HEARTBEAT: Final = (
    REGISTER
    + _ENTRIES
    + """
local prefix, me, generation, number, length, lease, proposed, most_bytes =
  ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local registration = register(prefix, me, lease, proposed)
local now = now_ms()
redis.call('ZADD', prefix .. 'nodes', now + lease, me)
local bytes = redis.call('MEMORY', 'USAGE', prefix .. 'inbox:' .. me, 'SAMPLES', 3)
if bytes and bytes > tonumber(most_bytes) then redis.call('UNLINK', prefix .. 'inbox:' .. me) end
if is_new(prefix, me, number) then announce(prefix, me, generation, length, now) end
return registration
"""
)
"""prefix, node, generation, number, inbox length, lease in ms, proposed registration, most bytes of an inbox -> registration."""

# The topics of a busy node can be hundreds of thousands. They are set aside here and worked off in steps, so that nobody waits long for Redis.
_FORGET: Final = """
local function forget(prefix, node, estate)
  redis.call('ZREM', prefix .. 'nodes', node)
  redis.call('UNLINK', prefix .. 'inbox:' .. node, prefix .. 'node:' .. node)
  if redis.call('EXISTS', prefix .. 'topics:' .. node) == 1 then
    local name = node .. ' ' .. estate
    redis.call('RENAME', prefix .. 'topics:' .. node, prefix .. 'estate:' .. name)
    redis.call('SADD', prefix .. 'estates', name)
  end
end
"""

BURY: Final = (
    NOW
    + _ENTRIES
    + _FORGET
    + """
local prefix, me, request, keep_s, generation, length = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local answered = prefix .. 'burial:' .. request
local dead = redis.call('SMEMBERS', answered)
for _, node in ipairs(redis.call('ZRANGEBYSCORE', prefix .. 'nodes', '-inf', now_ms())) do
  if node ~= me then
    forget(prefix, node, request)
    announce(prefix, node, generation, length, '-inf')
    dead[#dead + 1] = node
    redis.call('SADD', answered, node)
    redis.call('EXPIRE', answered, keep_s)
  end
end
return dead
"""
)
"""prefix, node, name of this request, seconds for which it may be repeated, generation of the dead, inbox length -> the dead, also those of earlier tries of this request."""

LEAVE: Final = (
    _ENTRIES
    + _FORGET
    + """
local prefix, me, generation, number, length, estate = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
if is_new(prefix, me, number) then announce(prefix, me, generation, length, '-inf') end
forget(prefix, me, estate)
"""
)
"""prefix, node, generation, number, inbox length, a name that was never used."""

SETTLE: Final = """
local prefix, name, most = ARGV[1], ARGV[2], ARGV[3]
local node = name:match('^(.*) ')
for _, topic in ipairs(redis.call('SPOP', prefix .. 'estate:' .. name, most)) do
  -- The node may live after all, and follow it anew.
  if redis.call('SISMEMBER', prefix .. 'topics:' .. node, topic) == 0 then
    redis.call('SREM', prefix .. 'interest:' .. topic, node)
  end
  -- What the node has written there last, it may not have lived to say.
  if topic:sub(1, 2) == 'c:' then redis.call('SADD', prefix .. 'orphans', topic) end
end
local left = redis.call('SCARD', prefix .. 'estate:' .. name)
if left == 0 then redis.call('SREM', prefix .. 'estates', name) end
return left
"""
"""prefix, estate, most topics in this step -> how many are left."""

OPEN: Final = (
    REGISTER
    + """
local prefix, node, lease, proposed, chat, field, since = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
register(prefix, node, lease, proposed)
redis.call('HSET', prefix .. 'open:' .. chat, field, since)
redis.call('SADD', prefix .. 'open-on:' .. node, chat .. ' ' .. field)
"""
)
"""prefix, node, lease in ms if it is not registered, proposed registration, chat, "user device node", since."""

FORGET_OPEN: Final = """
local prefix, node = ARGV[1], ARGV[2]
local gone = {}
for _, entry in ipairs(redis.call('SMEMBERS', prefix .. 'open-on:' .. node)) do
  local chat, field = entry:match('^(%S+) (.+)$')
  local since = redis.call('HGET', prefix .. 'open:' .. chat, field)
  if since then
    redis.call('HDEL', prefix .. 'open:' .. chat, field)
    gone[#gone + 1] = entry
    gone[#gone + 1] = since
  end
end
redis.call('DEL', prefix .. 'open-on:' .. node)
return gone
"""
"""prefix, node -> "chat user device node", since, and so on."""
