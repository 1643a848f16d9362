"""A PostgreSQL server of the run's own, and how fast it takes rows from pgbench."""

import os
import re
import subprocess
import tempfile

from harness.tools import ROOT, output_of


class Postgres:
    """Used with `with`. Its data are beside those of Stoker."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="stoker-bench-", dir=os.environ.get("STOKER_BENCH_DIR"))
        self._services("start", "--port", "0")
        with open(self.folder.name + "/address") as address:
            self.port = address.read().strip().rsplit(":", 1)[1]
        self.url = f"postgres://stoker:stoker@127.0.0.1:{self.port}/postgres"
        self.databases = 0
        return self

    def __exit__(self, *_):
        self._services("stop")
        self.folder.cleanup()

    def _services(self, *words):
        subprocess.run([os.path.join(ROOT, "scripts/services"), "postgres", *words, "--dir", self.folder.name],
                       check=True, stdout=subprocess.DEVNULL)

    def empty_database(self):
        """Its URL."""
        self.databases += 1
        name = f"bench_{self.databases}"
        self._ask(f"CREATE DATABASE {name}")
        return self.url.removesuffix("postgres") + name

    def rows_per_second(self, rows_a_commit, clients, seconds):
        """Rows like those of a call and its request, durable, by clients that do nothing else."""
        self._ask("DROP TABLE IF EXISTS floor_calls, floor_requests;"
                  "CREATE TABLE floor_calls(id uuid PRIMARY KEY, fn text, status text, n bigint);"
                  "CREATE TABLE floor_requests(id uuid PRIMARY KEY, url text, body bytea)")
        script = os.path.join(self.folder.name, "floor.sql")
        with open(script, "w") as file:
            file.write(f"""WITH given AS MATERIALIZED (
    SELECT gen_random_uuid() AS id FROM generate_series(1, {rows_a_commit})
), calls AS (INSERT INTO floor_calls SELECT id, 'fn', 'queued', 1 FROM given)
INSERT INTO floor_requests SELECT id, 'http://localhost/', repeat('x', 200)::bytea FROM given;
""")
        out = output_of(["pgbench", "-n", "-M", "prepared", "-c", str(clients), "-j", "1", "-T", str(seconds),
                         "-f", script, self.url])
        return float(re.search(r"tps = ([\d.]+)", out)[1]) * rows_a_commit

    def _ask(self, sql):
        subprocess.run(["psql", "-q", "-X", "-c", sql, self.url], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
