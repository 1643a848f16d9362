"""What the parts can do at best: each is measured right beside the number it is the floor of."""

import contextlib
import os
import subprocess

from harness import engine
from harness.tools import STATIC_TOOLS, TOOLS, output_of, spawn


def sqlite_rows_per_second(rows_a_commit, seconds):
    """Small rows, durable, by one thread that does nothing else."""
    out = output_of([os.path.join(TOOLS, "sqlite_group_commit"), "--floor", "--callers", str(rows_a_commit),
                     "--seconds", str(seconds)])
    return float(out.split(":")[1].split()[0])


def function_socket(seconds):
    """The function in a container, its socket called over one kept connection: figures."""
    with engine.BareContainer() as container:
        out = output_of([os.path.join(STATIC_TOOLS, "floor_socket"), container.socket, str(seconds)])
    rate, p50_us = out.split()
    return {"rate": float(rate), "p50_ms": float(p50_us) / 1000}


@contextlib.contextmanager
def bare_beast():
    """The URL of the smallest Beast server there is."""
    with spawn([os.path.join(TOOLS, "floor_http")], stdout=subprocess.PIPE, text=True) as server:
        try:
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}/"
        finally:
            server.kill()
