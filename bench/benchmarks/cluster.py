"""api and workers apart, on PostgreSQL and Redis: accept, idle latency, end to end, and how workers scale"""

import contextlib
import time

from benchmarks import latency
from harness import quota
from harness.load import ASYNC, WARM_UP_SECONDS, wrk
from harness.postgres import Postgres
from harness.redis import Redis
from harness.server import Stoker
from harness.tools import refuse

NEEDS_ENGINE = True

CPUS_OF_A_WORKER = 0.2
WORKERS = 4
NO_LIMITS = ("--queue-depth", "100000000", "--queue-depth-per-fn", "100000000")


def run(report, options):
    with Postgres() as postgres, Redis("everysec") as redis:
        for connections in (1, 32, 128):
            with _api(postgres, redis) as api:
                wrk(api.invoke_url(), connections, WARM_UP_SECONDS, ASYNC)
                figures = wrk(api.invoke_url(), connections, options.seconds, ASYNC)
            rows = postgres.rows_per_second(max(1, connections // 2), min(connections, 2), options.seconds)
            report.add(f"async accept, PostgreSQL and Redis, c={connections}", figures,
                       ("pgbench, as many rows a commit", "rate", rows))
        with _api(postgres, redis) as api, _workers(api, 1):
            api.ask("POST", "/invoke/" + api.fn)
            accepted, ended = latency.measure(api)
            report.add("idle, PostgreSQL and Redis: POST to 202", accepted)
            report.add("idle, PostgreSQL and Redis: 202 to ended", ended)
        alone = _ended_per_second(postgres, redis, 1, None, options.seconds)
        report.add("end to end, PostgreSQL and Redis, one worker", {"rate": alone})
        if not quota.is_possible():
            return
        one = _ended_per_second(postgres, redis, 1, CPUS_OF_A_WORKER, options.seconds)
        four = _ended_per_second(postgres, redis, WORKERS, CPUS_OF_A_WORKER, options.seconds)
        report.add(f"end to end, one worker of {CPUS_OF_A_WORKER} CPUs", {"rate": one})
        report.add(f"end to end, {WORKERS} workers of {CPUS_OF_A_WORKER} CPUs", {"rate": four},
                   (f"{WORKERS} times one", "rate", WORKERS * one))


def _api(postgres, redis):
    redis.ask("FLUSHALL")
    flags = ("--db", postgres.empty_database(), "--queue", redis.url)
    return Stoker(*flags, *NO_LIMITS, ready=False, role="api")


@contextlib.contextmanager
def _workers(api, count):
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(Stoker(*api.flags[:4], "--memory", "512MB", role="worker"))
               for _ in range(count)]


def _ended_per_second(postgres, redis, count, cpus, seconds):
    """Of calls that have all been accepted before."""
    with _api(postgres, redis) as api:
        wrk(api.invoke_url(), 32, seconds + WARM_UP_SECONDS, ASYNC)
        with _workers(api, count) as workers:
            with quota.limited([worker.process.pid for worker in workers], cpus):
                time.sleep(WARM_UP_SECONDS * 3)  # the first containers start
                return _rate(workers, seconds)


def _rate(workers, seconds):
    def ended():
        return sum(worker.metric("stoker_calls_ended_total", 'status="success"') for worker in workers)
    before, begun = ended(), time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - begun
    done = ended() - before
    if done == 0:
        refuse("no call ended")
    return done / took
