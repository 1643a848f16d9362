"""1,000 functions called at once in 4 GB"""

from harness.load import call_all
from harness.server import Stoker

NEEDS_ENGINE = True
FUNCTIONS = 1_000


def run(report, _options):
    with Stoker("--memory", "4GB", "--slot-wait", "30m") as stoker:
        fns = [stoker.make_fn(f"many-{i}") for i in range(FUNCTIONS)]
        seconds, _, bad = call_all(stoker.port, fns)
        report.add("1,000 functions at once", {"seconds": seconds, "bad": bad},
                   note=f"peak RSS {stoker.rss_kb('VmHWM') / 1024:.1f} MB, {stoker.containers_started():,.0f} "
                        "containers started, all by one engine on this machine")
