# Drives PgQueuer for `benches queue`; see program.rs for what is said when.
import asyncio
import os
import sys

import asyncpg
import uvloop
from pgqueuer.db import AsyncpgPoolDriver
from pgqueuer.qm import QueueManager
from pgqueuer.queries import Queries
from pgqueuer.types import QueueExecutionMode

url = os.environ["QUEUE_URL"]
jobs, batch, claim = (
    int(os.environ[name]) for name in ("QUEUE_JOBS", "QUEUE_BATCH", "QUEUE_CLAIM")
)


async def told():
    await asyncio.to_thread(sys.stdin.readline)


async def main():
    async with asyncpg.create_pool(url, min_size=2, max_size=16) as pool:
        queries = Queries(AsyncpgPoolDriver(pool))
        manager = QueueManager(queries)
        await queries.install()
        done = 0

        @manager.entrypoint("nothing")
        async def nothing(job):
            nonlocal done
            done += 1

        print("ready", flush=True)
        await told()
        for first in range(0, jobs, batch):
            numbers = range(first, min(first + batch, jobs))
            payloads = [str(number).encode() for number in numbers]
            await queries.enqueue(["nothing"] * len(numbers), payloads, [0] * len(numbers))
        print("enqueued", flush=True)
        await told()
        await manager.run(batch_size=claim, mode=QueueExecutionMode.drain)
        assert done == jobs, done
        print("processed", flush=True)
        await told()


uvloop.run(main())
