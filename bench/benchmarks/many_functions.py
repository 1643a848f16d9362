"""1,000 functions called at once in 4 GB; 500 calls at once of one cold function"""

import concurrent.futures
import time

from harness import engine
from harness.load import Client
from harness.server import Stoker

NEEDS_ENGINE = True
FUNCTIONS = 1_000
BURST = 500


def run(report, _options):
    with Stoker("--memory", "4GB", "--slot-wait", "30m") as stoker:
        fns = [stoker.make_fn(f"many-{i}") for i in range(FUNCTIONS)]
        seconds, bad = _all_at_once(stoker, fns)
        report.add("1,000 functions at once", {"seconds": seconds, "bad": bad},
                   note=f"peak RSS {stoker.rss_kb('VmHWM') / 1024:.1f} MB, "
                        f"{_started(stoker):,.0f} containers started, all by one engine on this machine")
    with Stoker("--slot-wait", "30m") as stoker:
        seconds, bad = _all_at_once(stoker, [stoker.fn] * BURST)
        report.add("500 calls at once of a cold function", {"seconds": seconds, "bad": bad},
                   note=f"{_started(stoker):,.0f} containers started")


def _all_at_once(stoker, fns):
    def call(fn):
        with Client(stoker.port, seconds_max=1_800) as client:
            return client.request("POST", "/invoke/" + fn)[0]

    begun = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(len(fns)) as callers:
        statuses = list(callers.map(call, fns))
    return time.perf_counter() - begun, sum(status != 200 for status in statuses)


def _started(stoker):
    return stoker.metric("stoker_container_start_seconds_count", 'stage="socket"')
