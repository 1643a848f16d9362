"""async end to end: accepted for some seconds by 32 clients, run in hot containers, all ended"""

import time

from harness.floors import sqlite_rows_per_second
from harness.load import ASYNC, warm_up, wrk
from harness.server import Stoker
from harness.tools import refuse

NEEDS_ENGINE = True
END_WAIT_SECONDS_MAX = 300
WRITES_A_CALL = 3  # accepted, claimed, ended


def run(report, options, queue="", *flags):
    floor = sqlite_rows_per_second(64, options.seconds) / WRITES_A_CALL
    with Stoker(*flags) as stoker:
        warm_up(stoker)
        begun = time.monotonic()
        accepting = wrk(stoker.invoke_url(), 32, options.seconds, ASYNC)
        accepted = stoker.metric("stoker_calls_accepted_total")
        left = accepted - stoker.metric("stoker_calls_ended_total")
        while stoker.metric("stoker_calls_ended_total") < accepted:
            if time.monotonic() - begun > options.seconds + END_WAIT_SECONDS_MAX:
                refuse("the accepted calls do not end")
            time.sleep(0.02)
        took = time.monotonic() - begun
        ended = stoker.metric("stoker_calls_ended_total")
        failed = ended - stoker.metric("stoker_calls_ended_total", 'status="success"')
    of = f", {queue}" if queue else ""
    report.add(f"accept while calls run{of} c=32", accepting)
    report.add(f"async end to end{of}", {"rate": accepted / took, "seconds": took, "bad": int(failed)},
               ("raw SQLite, 64 rows a commit, 3 rows a call", "rate", floor),
               f"{accepted:,.0f} calls, {left:,.0f} of them left when the clients stopped")
