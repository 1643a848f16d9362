"""the first call of a function whose image is here, stage by stage"""

import time

from harness import engine
from harness.load import Client, percentile
from harness.server import Stoker

NEEDS_ENGINE = True
FUNCTIONS = 20
STAGES = ("create", "start", "init", "socket")


def run(report, _options):
    cold, bare, cli, bad = [], [], [], 0
    with Stoker() as stoker, Client(stoker.port) as client:
        # The first start of all looks the image up, which later ones need not.
        client.request("POST", "/invoke/" + stoker.fn)
        before = {stage: _stage(stoker, stage) for stage in STAGES}
        for i in range(FUNCTIONS):
            fn = stoker.make_fn(f"cold-{i}")
            begun = time.perf_counter()
            status = client.request("POST", "/invoke/" + fn)[0]
            cold.append((time.perf_counter() - begun) * 1000)
            bad += status != 200
            with engine.BareContainer() as container:
                bare.append({stage: seconds * 1000 for stage, seconds in container.seconds.items()})
            run_seconds = engine.docker_run_seconds()
            if run_seconds:
                cli.append(run_seconds * 1000)
        stages = {stage: _mean_ms(before[stage], _stage(stoker, stage)) for stage in STAGES}
    by_hand = percentile([sum(stages.values()) for stages in bare], 0.5)
    report.add("cold start: first call", {"p50_ms": percentile(cold, 0.5), "p99_ms": percentile(cold, 0.99), "bad": bad},
               ("create, start and call by hand", "p50_ms", by_hand))
    if cli:
        report.add("cold start: docker run", {"p50_ms": percentile(cli, 0.5), "p99_ms": percentile(cli, 0.99)},
                   note="to the function's socket, by the command line, for comparison")
    for stage in STAGES:
        floor = sum(stages.get(stage, 0) for stages in bare) / len(bare)
        report.add(f"cold start: {stage}", {"mean_ms": stages[stage]},
                   ("by hand", "mean_ms", floor) if floor else None)


def _stage(stoker, stage):
    labels = f'stage="{stage}"'
    return (stoker.metric("stoker_container_start_seconds_sum", labels),
            stoker.metric("stoker_container_start_seconds_count", labels))


def _mean_ms(before, after):
    return (after[0] - before[0]) / (after[1] - before[1]) * 1000
