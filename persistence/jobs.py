"""Queues of jobs that the workers of all nodes share, on Redis Streams.

A queue is a stream with a consumer group, and a sorted set of what is not due yet. All that is done to them is a script, so that no job is between
two places when somebody dies. Nobody blocks in Redis: a worker that waits asks again, soon at first and then less often, and is woken at once by
what is added on its own node, and when that is due. So a queue needs no thread and no connection of its own, and a worker that stops need not wait for one.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Any, Final

import trio

from persistence.models import Job
from persistence.redis import Redis
from persistence.scripts import NOW

FIRST_PAUSE_S: Final = 0.05
LONGEST_PAUSE_S: Final = 0.5
"""Between two questions for jobs while there are none."""
OWN_PAUSE_S: Final = 2.0
"""The same where whoever adds jobs takes them too: others have to see only what it did not live to do, after a lease."""
REPEAT_S: Final = 60
"""For so long it is known that jobs have been added, should the same request come again."""
GONE_LEASES: Final = 10
"""A worker that has asked for nothing in so many leases, and has nothing, is forgotten."""
MOST_DUE: Final = 500
"""Delayed jobs that become due in one step."""

PUT_JOB: Final = """
local function put_job(stream, data, tries)
  redis.call('XADD', stream, '*', 'd', data, 't', tries)
end

local function is_new_request(prefix, request, seconds)
  return redis.call('SET', prefix .. 'request:' .. request, 1, 'NX', 'EX', seconds)
end
"""

# Members of the sorted set are "<tries> <what makes it unique> <data>".
_PUT_LATER: Final = """
local function put_later(later, due, name, data, tries)
  redis.call('ZADD', later, due, tries .. ' ' .. name .. ' ' .. data)
end
"""

_ADD: Final = (
    PUT_JOB
    + NOW
    + _PUT_LATER
    + """
local prefix, queue, request, seconds, delay = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
if not is_new_request(prefix, request, seconds) then return end
local due = now_ms() + delay
for i = 6, #ARGV do
  if delay > 0 then
    put_later(prefix .. 'later:' .. queue, due, string.format('%s-%06d', request, i), ARGV[i], 0)
  else
    put_job(prefix .. 'jobs:' .. queue, ARGV[i], 0)
  end
end
"""
)
"""prefix, queue, request, seconds for which it may be repeated, delay in ms, jobs..."""

# Whoever misses the group makes it, from the beginning of the stream: all that is there is given out again.
_TAKE: Final = (
    PUT_JOB
    + NOW
    + """
local prefix, queue, worker, lease, most, most_due, gone =
  ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6], tonumber(ARGV[7])
local stream, later = prefix .. 'jobs:' .. queue, prefix .. 'later:' .. queue
for _, member in ipairs(redis.call('ZRANGEBYSCORE', later, '-inf', now_ms(), 'LIMIT', 0, most_due)) do
  local tries, data = member:match('^(%d+) %S+ (.*)$')
  put_job(stream, data, tries)
  redis.call('ZREM', later, member)
end
if redis.call('EXISTS', stream) == 0 then return {} end

local found, from = {}, '0-0'
repeat
  local answer = redis.pcall('XAUTOCLAIM', stream, 'workers', worker, lease, from, 'COUNT', most - #found)
  if answer.err then
    if not answer.err:find('NOGROUP') then return answer end
    redis.call('XGROUP', 'CREATE', stream, 'workers', '0')
    answer = {'0-0', {}}
  end
  from = answer[1]
  for _, entry in ipairs(answer[2]) do found[#found + 1] = entry end
until from == '0-0' or #found >= most
if #found < most then
  local answer = redis.call('XREADGROUP', 'GROUP', 'workers', worker, 'COUNT', most - #found, 'STREAMS', stream, '>')
  if answer then
    for _, entry in ipairs(answer[1][2]) do found[#found + 1] = entry end
  end
end

local jobs = {}
for _, entry in ipairs(found) do
  local id, fields = entry[1], entry[2]
  local given = redis.call('XPENDING', stream, 'workers', id, id, 1)[1][4]
  local job = {}
  for i = 1, #fields, 2 do job[fields[i]] = fields[i + 1] end
  jobs[#jobs + 1] = {id, job.d, job.t + given}
end
if gone > 0 then
  for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', stream, 'workers')) do
    local about = {}
    for i = 1, #consumer, 2 do about[consumer[i]] = consumer[i + 1] end
    if about.pending == 0 and about.idle > gone and about.name ~= worker then
      redis.call('XGROUP', 'DELCONSUMER', stream, 'workers', about.name)
    end
  end
end
return jobs
"""
)
"""prefix, queue, worker, lease in ms, most jobs, most that become due, ms after which workers that have nothing are forgotten (0: not now) -> id, data, tries of each."""

_RENEW: Final = """
local prefix, queue, worker = ARGV[1], ARGV[2], ARGV[3]
local stream, own = prefix .. 'jobs:' .. queue, {}
for i = 4, #ARGV do
  local pending = redis.pcall('XPENDING', stream, 'workers', ARGV[i], ARGV[i], 1)
  if not pending.err and pending[1] and pending[1][2] == worker then
    redis.call('XCLAIM', stream, 'workers', worker, 0, ARGV[i], 'JUSTID')
    own[#own + 1] = ARGV[i]
  end
end
return own
"""
"""prefix, queue, worker, ids... -> those that are this worker's."""

_DONE: Final = """
local stream = ARGV[1] .. 'jobs:' .. ARGV[2]
for i = 3, #ARGV do
  redis.pcall('XACK', stream, 'workers', ARGV[i])
  redis.call('XDEL', stream, ARGV[i])
end
"""
"""prefix, queue, ids..."""

_AGAIN: Final = (
    PUT_JOB
    + NOW
    + _PUT_LATER
    + """
local prefix, queue, delay, id, data, tries = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6]
local stream = prefix .. 'jobs:' .. queue
redis.pcall('XACK', stream, 'workers', id)
if redis.call('XDEL', stream, id) == 0 then return end
if delay > 0 then
  put_later(prefix .. 'later:' .. queue, now_ms() + delay, id, data, tries)
else
  put_job(stream, data, tries)
end
"""
)
"""prefix, queue, delay in ms, id, data, tries so far."""


class RedisJobs:
    """`Jobs` in Redis. Keys: `jobs:<queue>` stream with the group `workers`, `later:<queue>` sorted set by when due.

    Args:
        redis: the connection.
        queue: its name.
        worker: who takes jobs, unique for each time that it starts.
        lease_s: after so long without a sign of its worker a job is given to another.
        longest_pause_s: between two questions for jobs while there are none.

    """

    def __init__(
        self,
        redis: Redis,
        queue: str,
        worker: str,
        *,
        lease_s: float,
        longest_pause_s: float = LONGEST_PAUSE_S,
    ) -> None:
        self._redis = redis
        self._queue = queue
        self._worker = worker
        self._lease_ms = int(lease_s * 1000)
        self._longest_pause_s = longest_pause_s
        self._due: list[float] = []
        self._add = redis.client.register_script(_ADD)
        self._take = redis.client.register_script(_TAKE)
        self._renew = redis.client.register_script(_RENEW)
        self._done = redis.client.register_script(_DONE)
        self._again = redis.client.register_script(_AGAIN)
        self._added = trio.Event()
        self._tidied_at = -math.inf

    async def add(self, jobs: Sequence[bytes], *, delay_s: float = 0) -> None:
        if not jobs:
            await trio.lowlevel.checkpoint()
            return
        # Named, because a command whose reply is lost is sent once more.
        args = [secrets.token_hex(8), REPEAT_S, int(delay_s * 1000), *jobs]
        await self._redis.call(self._add, (), [self._redis.prefix, self._queue, *args])
        self._added_for(delay_s)

    def woken(self) -> None:
        """There is something to take: whoever waits on this node asks at once."""
        self._added.set()
        self._added = trio.Event()

    async def take(self, *, most: int, wait_s: float) -> list[Job]:
        until = trio.current_time() + wait_s
        pause = FIRST_PAUSE_S
        while True:
            added = self._added
            jobs = await self._ask(most)
            now = trio.current_time()
            if jobs or now >= until:
                return jobs
            while self._due and self._due[0] <= now:
                heappop(self._due)
            with trio.move_on_at(min([until, now + pause, *self._due[:1]])):
                await added.wait()
            pause = min(pause * 2, self._longest_pause_s)

    def _added_for(self, delay_s: float) -> None:
        if delay_s > 0:
            heappush(self._due, trio.current_time() + delay_s)
        self.woken()

    async def _ask(self, most: int) -> list[Job]:
        now, gone_ms = trio.current_time(), 0
        if now - self._tidied_at > self._lease_ms / 1000:
            self._tidied_at = now
            gone_ms = self._lease_ms * GONE_LEASES
        args = [self._redis.prefix, self._queue, self._worker, self._lease_ms, most, MOST_DUE, gone_ms]
        rows: Any = await self._redis.call(self._take, (), args)
        return [Job(id=job_id.decode(), data=data, tries=int(tries)) for job_id, data, tries in rows]

    async def renew(self, ids: Sequence[str]) -> list[str]:
        args = [self._redis.prefix, self._queue, self._worker, *ids]
        own: Any = await self._redis.call(self._renew, (), args)
        return [job_id.decode() for job_id in own]

    async def done(self, ids: Sequence[str]) -> None:
        await self._redis.call(self._done, (), [self._redis.prefix, self._queue, *ids])

    async def again(self, job: Job, *, delay_s: float) -> None:
        args = [self._redis.prefix, self._queue, int(delay_s * 1000), job.id, job.data, job.tries]
        await self._redis.call(self._again, (), args)
        self._added_for(delay_s)

    async def length(self) -> int:
        return await self._redis.call(self._length)

    def _length(self) -> int:
        prefix = self._redis.prefix
        with self._redis.client.pipeline(transaction=True) as pipe:
            pipe.xlen(f"{prefix}jobs:{self._queue}")
            pipe.zcard(f"{prefix}later:{self._queue}")
            return sum(pipe.execute())
