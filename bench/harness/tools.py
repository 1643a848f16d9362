"""Where things are, and whether all that a benchmark needs is here."""

import ctypes
import os
import shutil
import signal
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
STOKER = os.path.join(ROOT, "build", "release", "stoker")
TOOLS = os.path.join(ROOT, "build", "release", "bench")
STATIC_TOOLS = os.path.join(ROOT, "build", "bench")

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def refuse(why):
    sys.exit(f"bench/run: {why}")


def check_tools():
    for tool in ("wrk", "clang-19", "cmake", "ninja"):
        if not shutil.which(tool):
            refuse(f"{tool} is missing; scripts/setup installs it")
    if not os.path.exists(STOKER):
        refuse("there is no release build; scripts/build makes it")


def build_tools():
    """Builds the floors. Stoker itself is measured as it was built."""
    os.makedirs(STATIC_TOOLS, exist_ok=True)
    for source in ("bench/noop.c", "bench/floor_socket.c", "tests/system/function.c"):
        name = os.path.splitext(os.path.basename(source))[0]
        _run("clang-19", "-O2", "-static", "-pthread", "-o", os.path.join(STATIC_TOOLS, name), source)
    _run("cmake", "--preset", "release")
    _run("cmake", "--build", "--preset", "release", "--target", "bench_tools")


def _run(*command):
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        refuse(f"{' '.join(command)} failed:\n{done.stdout}")


def _end_with_parent():
    # Also when this process is killed hard: a server gets SIGTERM and takes its containers down.
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def spawn(command, **options):
    return subprocess.Popen(command, preexec_fn=_end_with_parent, **options)


def output_of(command):
    with spawn(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            out = process.communicate()[0]
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        refuse(f"{command[0]} ended with {process.returncode}")
    return out
