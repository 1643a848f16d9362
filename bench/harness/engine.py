"""The Docker engine: its API over its unix socket, the benchmarks' image, and bare containers of it.

The engine must run on this machine and see the same folders."""

import contextlib
import http.client
import io
import json
import os
import socket
import subprocess
import tarfile
import tempfile
import time
import urllib.parse

from harness.tools import STATIC_TOOLS, refuse

IMAGE = "stoker/bench-noop:latest"
BAD_IMAGE = "stoker/bench-bad:latest"
LABEL = "stoker.bench"
HOST = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")


class _Connection(http.client.HTTPConnection):
    def __init__(self):
        super().__init__("engine", timeout=120)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(120)
        self.sock.connect(HOST.removeprefix("unix://"))


def engine(method, target, body=None, content_type="application/json"):
    """Status and body."""
    with contextlib.closing(_Connection()) as connection:
        connection.request(method, target, body, {"Content-Type": content_type} if body is not None else {})
        answer = connection.getresponse()
        return answer.status, answer.read()


def _must(method, target, body=None):
    status, answer = engine(method, target, None if body is None else json.dumps(body))
    if status >= 300:
        refuse(f"engine: {method} {target}: {status} {answer.decode(errors='replace')}")
    return json.loads(answer) if answer else None


def check_engine():
    if not HOST.startswith("unix://"):
        refuse(f"DOCKER_HOST={HOST}: the benchmarks need an engine on this machine, by its unix socket")
    try:
        answers = engine("GET", "/_ping")[0] == 200
    except OSError as e:
        refuse(f"no container engine answers at {HOST} ({e.strerror}); scripts/docker-engine starts one")
    if not answers:
        refuse(f"the container engine at {HOST} is not well")


def version():
    return json.loads(engine("GET", "/version")[1])["Version"]


def build_image():
    _build_image_of("noop", IMAGE)


def build_bad_image():
    """Of the function of the system tests, which does bad deeds."""
    _build_image_of("function", BAD_IMAGE)


def _build_image_of(program, image):
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.add(os.path.join(STATIC_TOOLS, program), "program")
        dockerfile = b'FROM scratch\nCOPY program /program\nENTRYPOINT ["/program"]\n'
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(dockerfile)
        tar.addfile(entry, io.BytesIO(dockerfile))
    status, answer = engine("POST", "/build?t=" + image, archive.getvalue(), "application/x-tar")
    if status != 200 or b'"error"' in answer:
        refuse("building the image failed: " + answer.decode(errors="replace"))


def remove_containers(label):
    """All that carry the label, running or not."""
    filters = urllib.parse.quote(json.dumps({"label": [label]}))
    found = _must("GET", "/containers/json?all=true&filters=" + filters)
    for container in found:
        engine("DELETE", f"/containers/{container['Id']}?force=true&v=true")


def _wait_for(path):
    deadline = time.monotonic() + 30
    while not os.path.exists(path):
        if time.monotonic() > deadline:
            refuse("the function's container did not come up")
        time.sleep(0.0002)


class BareContainer:
    """The function in a container made by hand, with the settings Stoker uses where they cost time.
    Used with `with`; `seconds` has the time of each stage."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="stoker-bench-")
        os.chmod(self.folder.name, 0o777)
        self.socket = os.path.join(self.folder.name, "lsnr.sock")
        self.label = f"{LABEL}={os.getpid()}"
        self.seconds = {}
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self):
        begun = time.perf_counter()

        def lap(stage):
            nonlocal begun
            now = time.perf_counter()
            self.seconds[stage] = now - begun
            begun = now

        made = _must("POST", "/containers/create", {
            "Image": IMAGE,
            "Env": ["FN_LISTENER=unix:/tmp/iofs/lsnr.sock"],
            "Labels": {LABEL: str(os.getpid())},
            "HostConfig": {
                "Binds": [f"{self.folder.name}:/tmp/iofs"],
                "Memory": 128 << 20,
                "LogConfig": {"Type": "none"},
            },
        })
        self.id = made["Id"]
        lap("create")
        _must("POST", f"/containers/{made['Id']}/start")
        lap("start")
        _wait_for(self.socket)
        lap("socket")
        with socket.socket(socket.AF_UNIX) as call:
            call.connect(self.socket)
            call.sendall(b"POST /call HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
            if not call.recv(4096).startswith(b"HTTP/1.1 200"):
                refuse("the function's container answers wrongly")
        lap("answer")

    def pause(self):
        _must("POST", f"/containers/{self.id}/pause")

    def unpause(self):
        _must("POST", f"/containers/{self.id}/unpause")

    def __exit__(self, *_):
        remove_containers(self.label)
        self.folder.cleanup()


def docker_run_seconds():
    """`docker run` of the image until the function's socket is there; None without the command."""
    with tempfile.TemporaryDirectory(prefix="stoker-bench-") as folder:
        os.chmod(folder, 0o777)
        label = f"{LABEL}={os.getpid()}"
        begun = time.perf_counter()
        try:
            subprocess.run(
                ["docker", "run", "-d", "--label", label, "--memory", "128m", "--log-driver", "none",
                 "-v", f"{folder}:/tmp/iofs", "-e", "FN_LISTENER=unix:/tmp/iofs/lsnr.sock", IMAGE],
                check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)
            _wait_for(folder + "/lsnr.sock")
            return time.perf_counter() - begun
        except (FileNotFoundError, subprocess.CalledProcessError):
            return None
        finally:
            remove_containers(label)
