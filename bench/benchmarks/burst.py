"""500 calls of one cold function, at once and beside it spread over a second"""

from harness.load import call_all, percentile
from harness.server import Stoker

NEEDS_ENGINE = True
CALLS = 500
RAMP_SECONDS = 1


def run(report, _options):
    ramp = _cold(RAMP_SECONDS)
    burst = _cold(0)
    report.add("500 calls at once of a cold function",
               {"p99_ms": burst["p99_ms"], "seconds": burst["seconds"], "bad": burst["bad"] + ramp["bad"]},
               (f"the same over {RAMP_SECONDS} s", "p99_ms", ramp["p99_ms"]),
               f"{burst['started']:,.0f} containers started, by the ramp {ramp['started']:,.0f}")


def _cold(spread_seconds):
    with Stoker("--slot-wait", "30m") as stoker:
        seconds, took, bad = call_all(stoker.port, [stoker.fn] * CALLS, spread_seconds)
        return {"seconds": seconds, "p99_ms": percentile(took, 0.99), "bad": bad,
                "started": stoker.containers_started()}
