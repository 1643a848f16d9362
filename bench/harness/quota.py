"""Processes that get only a part of a core, by control groups (v1 or v2)."""

import contextlib
import os

PERIOD_US = 100_000
_V1 = "/sys/fs/cgroup/cpu"
_V2 = "/sys/fs/cgroup"


def _root():
    return _V1 if os.path.exists(_V1 + "/cpu.cfs_quota_us") else _V2


def is_possible():
    if _root() == _V1:
        return os.access(_V1, os.W_OK)
    with contextlib.suppress(OSError), open(_V2 + "/cgroup.subtree_control") as given:
        return "cpu" in given.read().split() and os.access(_V2, os.W_OK)
    return False


@contextlib.contextmanager
def limited(pids, cpus):
    """Each of them alone; None is no limit."""
    if cpus is None:
        yield
        return
    groups = []
    try:
        for pid in pids:
            group = f"{_root()}/stoker-bench-{pid}"
            os.mkdir(group)
            groups.append(group)
            quota = int(cpus * PERIOD_US)
            if _root() == _V1:
                _write(group + "/cpu.cfs_period_us", PERIOD_US)
                _write(group + "/cpu.cfs_quota_us", quota)
            else:
                _write(group + "/cpu.max", f"{quota} {PERIOD_US}")
            _write(group + "/cgroup.procs", pid)
        yield
    finally:
        for group in groups:
            # A group with processes in it cannot go.
            with open(group + "/cgroup.procs") as left:
                for pid in left.read().split():
                    _write(_root() + "/cgroup.procs", pid)
            os.rmdir(group)


def _write(path, value):
    with open(path, "w") as file:
        file.write(str(value))
