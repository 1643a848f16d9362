"""an async call on an idle system: from its 202 to the news of its end"""

import json
import time

from harness import floors
from harness.load import Client, percentile
from harness.server import Stoker

NEEDS_ENGINE = True
CALLS = 300
PAUSE_SECONDS = 0.005  # the system is idle again before the next call
HEADERS = ("Fn-Invoke-Type: async",)


def run(report, options):
    seconds = max(1, options.seconds // 2)
    commit_ms = 1000 / floors.sqlite_rows_per_second(1, seconds)
    socket_ms = floors.function_socket(seconds)["p50_ms"]
    with Stoker() as stoker:
        accepted, ended = measure(stoker)
    report.add("idle: POST to 202", accepted, ("one raw SQLite commit", "p50_ms", commit_ms))
    report.add("idle: 202 to ended", ended,
               ("socket called directly + two raw SQLite commits", "p50_ms", socket_ms + 2 * commit_ms))


def measure(stoker):
    """One call after the other: until its 202, and from there to its end."""
    accepted, ended, bad = [], [], 0
    with Client(stoker.port) as client:
        for i in range(-20, CALLS):  # the first ones warm up
            time.sleep(PAUSE_SECONDS)
            begun = time.perf_counter()
            status, _, body = client.request("POST", "/invoke/" + stoker.fn, HEADERS, b"x" * 200)
            was_accepted = time.perf_counter()
            call_id = json.loads(body)["call_id"]
            # The wait is answered by the event of the end, not by looking again and again.
            waited, _, body = client.request("GET", f"/v2/calls/{call_id}?wait=30s")
            has_ended = time.perf_counter()
            bad += status != 202 or waited != 200 or json.loads(body)["status"] != "success"
            if i >= 0:
                accepted.append((was_accepted - begun) * 1000)
                ended.append((has_ended - was_accepted) * 1000)
    return _figures(accepted), {**_figures(ended), "bad": bad}


def _figures(samples):
    return {"p50_ms": percentile(samples, 0.5), "p99_ms": percentile(samples, 0.99)}
