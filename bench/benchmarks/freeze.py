"""freezing and thawing an idle container, by its control group and by the engine"""

import time

from harness import engine
from harness.load import Client, percentile
from harness.server import Stoker

NEEDS_ENGINE = True
ROUNDS = 40
FREEZE_IDLE = "5ms"


def run(report, _options):
    paused, unpaused = [], []
    with engine.BareContainer() as container:
        for _ in range(ROUNDS):
            paused.append(_ms(container.pause))
            unpaused.append(_ms(container.unpause))
    with Stoker("--freeze-idle", FREEZE_IDLE) as stoker, Client(stoker.port) as client:
        target = "/invoke/" + stoker.fn
        client.request("POST", target)
        frozen, bad = [], 0
        for done in range(1, ROUNDS + 1):
            _wait_frozen(stoker, done)
            begun = time.perf_counter()
            bad += client.request("POST", target)[0] != 200
            frozen.append((time.perf_counter() - begun) * 1000)
        _wait_frozen(stoker, ROUNDS + 1)
        means = {step: _mean_ms(stoker, step) for step in ("freeze", "thaw")}
    with Stoker("--freeze-idle", "0") as stoker, Client(stoker.port) as client:
        target, awake = "/invoke/" + stoker.fn, []
        client.request("POST", target)
        for _ in range(ROUNDS):
            time.sleep(0.02)  # as idle as the others, but awake
            begun = time.perf_counter()
            bad += client.request("POST", target)[0] != 200
            awake.append((time.perf_counter() - begun) * 1000)
    report.add("freeze", {"mean_ms": means["freeze"]}, ("the engine's pause", "mean_ms", sum(paused) / ROUNDS))
    report.add("thaw", {"mean_ms": means["thaw"]}, ("the engine's unpause", "mean_ms", sum(unpaused) / ROUNDS))
    report.add("sync call of a frozen container", {"p50_ms": percentile(frozen, 0.5), "p99_ms": percentile(frozen, 0.99),
                                                   "bad": bad},
               ("of one that is awake", "p50_ms", percentile(awake, 0.5)))


def _ms(step):
    begun = time.perf_counter()
    step()
    return (time.perf_counter() - begun) * 1000


def _wait_frozen(stoker, times):
    deadline = time.monotonic() + 30
    while stoker.metric("stoker_container_freeze_seconds_count") < times:
        if time.monotonic() > deadline:
            raise TimeoutError("the idle container is not frozen")
        time.sleep(0.005)


def _mean_ms(stoker, step):
    name = f"stoker_container_{step}_seconds"
    return stoker.metric(name + "_sum") / stoker.metric(name + "_count") * 1000
