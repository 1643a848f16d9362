"""RSS: idle, at its peak under load, per call that waits, per idle connection"""

import contextlib
import resource
import time

from harness.load import ASYNC, SYNC, Client, wrk
from harness.server import NO_ENGINE, Stoker
from harness.tools import refuse

NEEDS_ENGINE = True
WAITING_CALLS = 100_000
IDLE_CONNECTIONS = 5_000


def run(report, options):
    with Stoker() as stoker:
        time.sleep(1)
        report.add("rss idle", _mb(stoker.rss_kb()))
        stoker.ask("POST", "/invoke/" + stoker.fn)
        sync = wrk(stoker.invoke_url(), 32, options.seconds, SYNC)
        report.add("rss peak, sync c=32", {**_mb(stoker.rss_kb("VmHWM")), "bad": sync["bad"]})
        accepted = wrk(stoker.invoke_url(), 32, options.seconds, ASYNC)
        report.add("rss peak, async c=32, too", {**_mb(stoker.rss_kb("VmHWM")), "bad": accepted["bad"]})
    _waiting_calls(report)
    _idle_connections(report)


def _mb(kb):
    return {"mb": kb / 1024}


def _waiting_calls(report):
    with Stoker(*NO_ENGINE, ready=False) as stoker:
        bad = wrk(stoker.invoke_url(), 32, 1, ASYNC)["bad"]
        before = (stoker.rss_kb(), stoker.metric("stoker_calls_accepted_total"))
        deadline = time.monotonic() + 120
        while (count := stoker.metric("stoker_calls_accepted_total") - before[1]) < WAITING_CALLS:
            if time.monotonic() > deadline:
                refuse(f"only {count:,.0f} calls were accepted in 120 s")
            bad += wrk(stoker.invoke_url(), 32, 1, ASYNC)["bad"]
        grown = stoker.rss_kb() - before[0]
        report.add("rss per waiting call", {"bytes": grown * 1024 / count, "bad": bad},
                   note=f"{count:,.0f} calls wait, RSS {stoker.rss_kb() / 1024:.1f} MB")


def _idle_connections(report):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, IDLE_CONNECTIONS + 1000)), hard))
    with Stoker(*NO_ENGINE, ready=False) as stoker, contextlib.ExitStack() as connections:
        with Client(stoker.port) as client:
            client.request("GET", "/healthz")
        before = stoker.rss_kb()
        bad = 0
        for _ in range(IDLE_CONNECTIONS):
            client = connections.enter_context(Client(stoker.port))
            bad += client.request("GET", "/healthz")[0] != 200
        grown = stoker.rss_kb() - before
        report.add("rss per idle connection", {"bytes": grown * 1024 / IDLE_CONNECTIONS, "bad": bad},
                   note=f"{IDLE_CONNECTIONS:,} connections kept after one request each")
