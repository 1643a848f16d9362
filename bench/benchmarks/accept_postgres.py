"""async accept into PostgreSQL on this machine, durable before the 202, without an engine"""

from harness.load import ASYNC, WARM_UP_SECONDS, wrk
from harness.postgres import Postgres
from harness.server import NO_ENGINE, Stoker

NEEDS_ENGINE = False

# As many transactions at once as Stoker has on their way.
BATCHES = 2


def run(report, options):
    with Postgres() as postgres:
        for connections in (1, 8, 32, 128):
            clients = min(connections, BATCHES)
            rows = connections // clients
            floor = postgres.rows_per_second(rows, clients, options.seconds)
            with Stoker(*NO_ENGINE, "--db", postgres.empty_database(), ready=False) as stoker:
                wrk(stoker.invoke_url(), connections, WARM_UP_SECONDS, ASYNC)
                figures = wrk(stoker.invoke_url(), connections, options.seconds, ASYNC)
            report.add(f"async accept, PostgreSQL, c={connections}", figures,
                       (f"pgbench, {clients} clients, {rows} rows a commit", "rate", floor))
