"""A Stoker of its own: an empty data folder, a free port, one app and one function; or one role of a
cluster."""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from harness import engine
from harness.tools import STOKER, refuse, spawn

NO_ENGINE = ("--docker-host", "unix:///nonexistent/docker.sock",
             "--queue-depth", "100000000", "--queue-depth-per-fn", "100000000")


class Stoker:
    """Used with `with`, so that an interrupted run leaves no process and no container."""

    def __init__(self, *flags, ready=True, role="start"):
        self.flags = flags
        self.ready = ready
        self.role = role

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="stoker-bench-", dir=os.environ.get("STOKER_BENCH_DIR"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = open(os.path.join(self.folder, "log"), "w+b")
        listen = "--runner-listen" if self.role == "worker" else "--listen"
        words = [STOKER, self.role, listen, f"127.0.0.1:{self.port}", "--log-level", "warn", *self.flags]
        if self.role != "api":
            words += ["--data", self.folder + "/data", "--run-dir", self.folder + "/run"]
        self.process = spawn(words, stderr=self.log)
        try:
            self._wait_ready()
            if self.role == "worker":
                return self
            self.app = self.ask("POST", "/v2/apps", {"name": "bench"})["id"]
            self.fn = self.make_fn("noop")
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def _wait_ready(self):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.request("GET", "/readyz" if self.ready else "/healthz")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.02)
        self.log.seek(0)
        refuse("stoker did not become ready:\n" + self.log.read().decode(errors="replace"))

    def make_fn(self, name, image=engine.IMAGE, **fields):
        return self.ask("POST", "/v2/fns", {"app_id": self.app, "name": name, "image": image, **fields})["id"]

    def invoke_url(self, fn=None):
        return f"{self.url}/invoke/{fn or self.fn}"

    def request(self, method, target, body=None, headers=None):
        """Status and text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, target, None if body is None else json.dumps(body), headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def ask(self, method, target, body=None, headers=None):
        """The text of a good answer, parsed when it is JSON."""
        status, text = self.request(method, target, body, headers)
        if not 200 <= status < 300:
            refuse(f"{method} {target}: {status} {text}")
        return json.loads(text) if text.startswith("{") else text

    def metric(self, name, labels=""):
        """The sum over all series of the name whose labels contain `labels`."""
        series = re.findall(r"^" + re.escape(name) + r"(\{[^}]*\})? (\S+)$", self.ask("GET", "/metrics"), re.M)
        return sum(float(value) for tags, value in series if labels in tags)

    def containers_started(self):
        return self.metric("stoker_container_start_seconds_count", 'stage="socket"')

    def rss_kb(self, field="VmRSS"):
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(field + r":\s+(\d+)", status.read())[1])

    def __exit__(self, failed, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
            self._remove_containers()
        self.log.seek(0)
        said = self.log.read().decode(errors="replace")
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        if code != 0 and not failed:
            refuse(f"stoker ended with {code}:\n{said}")

    def _remove_containers(self):
        try:
            with open(self.folder + "/data/instance") as name:
                engine.remove_containers("stoker.instance=" + name.read().strip())
        except OSError:
            pass  # it never got so far
