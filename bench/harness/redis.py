"""A Redis server of a benchmark's own, and what it can do at best."""

import os
import shutil
import subprocess
import tempfile

from harness.tools import ROOT, output_of, refuse

SERVICES = os.path.join(ROOT, "scripts", "services")
MESSAGE_BYTES = 60  # about what a reference to a call takes


class Redis:
    """Used with `with`; its file is synced as --appendfsync says (always, everysec)."""

    def __init__(self, appendfsync):
        self.appendfsync = appendfsync

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="stoker-bench-redis-", dir=os.environ.get("STOKER_BENCH_DIR"))
        self._services("start", "--port", "0", "--set", "appendfsync " + self.appendfsync, "--set", "maxmemory 2gb")
        with open(self.folder + "/address") as address:
            self.port = int(address.read().strip().split(":")[1])
        self.url = f"redis://127.0.0.1:{self.port}"
        return self

    def _services(self, action, *options):
        command = [SERVICES, "redis", action, "--dir", self.folder, *options]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            refuse("the Redis server: " + done.stdout)

    def pushes_per_second(self, pipelined, seconds):
        """LPUSH over one connection, so many on their way at once."""
        def measure(count):
            out = output_of(["redis-benchmark", "-p", str(self.port), "-t", "lpush", "-c", "1", "-P", str(pipelined),
                             "-d", str(MESSAGE_BYTES), "-n", str(count), "--csv"])
            return float(out.strip().split("\n")[-1].split(",")[1].strip('"'))
        return measure(max(1_000, int(measure(2_000) * seconds)))

    def ask(self, *words):
        output_of(["redis-cli", "-p", str(self.port), *words])

    def __exit__(self, *_):
        self._services("stop")
        shutil.rmtree(self.folder, ignore_errors=True)
