"""sync calls of a hot function"""

from harness import floors
from harness.load import SYNC, warm_up, wrk
from harness.server import Stoker

NEEDS_ENGINE = True


def run(report, options):
    socket = floors.function_socket(options.seconds)
    with Stoker() as stoker, floors.bare_beast() as bare:
        warm_up(stoker)
        for connections in (1, 8, 32, 128, 1024):
            beast = wrk(bare, connections, options.seconds)["rate"]
            figures = wrk(stoker.invoke_url(), connections, options.seconds, SYNC)
            containers = stoker.metric("stoker_containers") - stoker.metric("stoker_containers", 'starting')
            if connections == 1:
                report.add("sync hot c=1, latency", {"p50_ms": figures["p50_ms"], "p99_ms": figures["p99_ms"]},
                           ("function's socket called directly", "p50_ms", socket["p50_ms"]))
            report.add(f"sync hot c={connections}", figures, ("bare Beast, no function", "rate", beast),
                       f"{containers:.0f} containers")
