"""async accept and end to end with the queue on a Redis server, beside what the server can do"""

from benchmarks import end_to_end
from harness.load import ASYNC, WARM_UP_SECONDS, wrk
from harness.redis import Redis
from harness.server import NO_ENGINE, Stoker

NEEDS_ENGINE = True


def run(report, options):
    for appendfsync in ("everysec", "always"):
        for connections in (1, 32, 128):
            with Redis(appendfsync) as redis:
                floor = redis.pushes_per_second(connections, options.seconds)
                with Stoker("--queue", redis.url, *NO_ENGINE, ready=False) as stoker:
                    wrk(stoker.invoke_url(), connections, WARM_UP_SECONDS, ASYNC)
                    figures = wrk(stoker.invoke_url(), connections, options.seconds, ASYNC)
            report.add(f"async accept, Redis {appendfsync} c={connections}", figures,
                       (f"LPUSH, {connections} pipelined", "rate", floor))
    with Redis("everysec") as redis:
        end_to_end.run(report, options, "Redis everysec", "--queue", redis.url)
