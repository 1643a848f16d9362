"""async accept, durable before the 202, without an engine so that nothing else runs"""

from harness.floors import sqlite_rows_per_second
from harness.load import ASYNC, WARM_UP_SECONDS, wrk
from harness.server import NO_ENGINE, Stoker

NEEDS_ENGINE = False


def run(report, options):
    for connections in (1, 8, 32, 128):
        floor = sqlite_rows_per_second(connections, options.seconds)
        with Stoker(*NO_ENGINE, ready=False) as stoker:
            wrk(stoker.invoke_url(), connections, WARM_UP_SECONDS, ASYNC)
            figures = wrk(stoker.invoke_url(), connections, options.seconds, ASYNC)
        report.add(f"async accept c={connections}", figures,
                   (f"raw SQLite, {connections} rows a commit", "rate", floor))
