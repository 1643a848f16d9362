"""sync calls of a healthy function, alone and beside 24 that leak, crash, hang, spam and talk nonsense"""

import contextlib
import multiprocessing
import threading
import time

from harness import engine
from harness.load import Client, percentile
from harness.server import Stoker

NEEDS_ENGINE = True
PAUSE_SECONDS = 0.01  # between calls of the healthy one
# What each call makes the function of the system tests do (tests/system/bad_deeds.h).
DEEDS = ("eat 8", "eat 500", "fill-tmp", "eat-descriptors", "crash", "exit 7", "daemonise", "exit 1",
         "ignore-sigterm", "stop", "late-answer 60000", "sleep 60000", "flood 20", "flood-stderr 20",
         "flood-for-ever", "trickle-output", "binary", "fork 1000", "garbage", "twice",
         "endless-headers", "endless-body 200", "break-off", "litter 3000")


def run(report, options):
    seconds = 6 * options.seconds
    engine.build_bad_image()
    with Stoker() as stoker:
        bad_fns = [stoker.make_fn(f"bad-{i}", engine.BAD_IMAGE, memory=32, timeout=1) for i in range(len(DEEDS))]
        _call(stoker, stoker.fn)
        alone, failed = _healthy_calls(stoker, seconds)
        over = multiprocessing.Event()
        # A process of their own: they must not hold up the client that measures.
        callers = multiprocessing.Process(target=_misuse_all, args=(stoker, bad_fns, over))
        callers.start()
        try:
            beside, failed_too = _healthy_calls(stoker, seconds)
        finally:
            over.set()
            callers.join()
    report.add("healthy beside 24 bad functions",
               {"p50_ms": percentile(beside, 0.5), "p99_ms": percentile(beside, 0.99), "bad": failed + failed_too},
               ("the same alone", "p99_ms", percentile(alone, 0.99)),
               f"{len(beside)} calls, alone {len(alone)} with {percentile(alone, 0.5):.3f} ms p50")


def _call(stoker, fn, body=b""):
    with Client(stoker.port) as client:
        return client.request("POST", "/invoke/" + fn, body=body)[0]


def _healthy_calls(stoker, seconds):
    took, bad = [], 0
    end = time.monotonic() + seconds
    with Client(stoker.port) as client:
        while time.monotonic() < end:
            begun = time.perf_counter()
            bad += client.request("POST", "/invoke/" + stoker.fn)[0] != 200
            took.append((time.perf_counter() - begun) * 1000)
            time.sleep(PAUSE_SECONDS)
    return took, bad


def _misuse_all(stoker, fns, over):
    threads = [threading.Thread(target=_misuse, args=(stoker, *pair, over)) for pair in zip(fns, DEEDS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _misuse(stoker, fn, deed, over):
    while not over.is_set():
        # How it ends is the function's own affair; an answer may be cut short.
        with contextlib.suppress(OSError, TypeError):
            _call(stoker, fn, deed.encode())
