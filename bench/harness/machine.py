"""What the numbers were measured on, for the header and the JSON."""

import os
import platform
import re
import statistics
import subprocess
import tempfile
import time

from harness.tools import ROOT, STOKER


def facts():
    return {
        "cpu": _first(r"model name\s*:\s*(.+)", "/proc/cpuinfo") or platform.machine(),
        "cores": os.cpu_count(),
        "memory_mb": int(_first(r"MemTotal:\s+(\d+)", "/proc/meminfo")) // 1024,
        "kernel": platform.release(),
        "load_average": os.getloadavg()[0],
        "fdatasync_p50_ms": round(fdatasync_ms(), 3),
        "stoker": subprocess.run([STOKER, "--version"], capture_output=True, text=True).stdout.strip(),
        "commit": _git("rev-parse", "--short", "HEAD") + ("+" if _git("status", "--porcelain") else ""),
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def describe(machine):
    lines = [
        f"{machine['stoker']} ({machine['commit'] or 'no git'}), {machine['date']}",
        f"{machine['cores']} cores ({machine['cpu']}), {machine['memory_mb']:,} MB, "
        f"Linux {machine['kernel']}, fdatasync of 4 KiB {machine['fdatasync_p50_ms']} ms",
    ]
    if machine["load_average"] > 0.5:
        lines.append(f"NOT A QUIET MACHINE: load average {machine['load_average']:.1f} before the run")
    return "\n".join(lines)


def fdatasync_ms(times=200):
    """p50 of writing and syncing one page, where the data folders of the benchmarks are."""
    samples = []
    with tempfile.TemporaryFile(dir=os.environ.get("STOKER_BENCH_DIR"), buffering=0) as file:
        for _ in range(times):
            file.write(b"x" * 4096)
            begun = time.perf_counter()
            os.fdatasync(file.fileno())
            samples.append((time.perf_counter() - begun) * 1000)
    return statistics.median(samples)


def _first(pattern, path):
    with open(path) as file:
        found = re.search(pattern, file.read())
    return found[1] if found else None


def _git(*arguments):
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True).stdout.strip()
