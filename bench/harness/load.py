"""Load: wrk for many clients at once, and one plain client whose own cost is known to be small."""

import concurrent.futures
import re
import socket
import tempfile
import time

from harness.tools import output_of

ASYNC = 'wrk.method="POST"\nwrk.body=string.rep("x",200)\nwrk.headers["Fn-Invoke-Type"]="async"\n'
SYNC = 'wrk.method="POST"\n'
WARM_UP_SECONDS = 1

_MILLISECONDS = {"us": 0.001, "ms": 1, "s": 1000, "m": 60000}


def wrk(url, connections, seconds, script=None):
    """Answers per second, p50 and p99 in ms, and how many answers were not 2xx or did not come."""
    command = ["wrk", "-t1" if connections == 1 else "-t2", f"-c{connections}", f"-d{seconds}s",
               "--timeout", "10s", "--latency"]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as lua:
        if script:
            lua.write(script)
            lua.flush()
            command += ["-s", lua.name]
        out = output_of(command + [url])
    bad = sum(int(n) for n in re.findall(r"Non-2xx or 3xx responses: (\d+)", out))
    bad += sum(int(n) for n in re.findall(r"(?:connect|read|write|timeout) (\d+)", out))
    return {"rate": float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]),
            "p50_ms": _percentile(out, "50"), "p99_ms": _percentile(out, "99"), "bad": bad}


def warm_up(stoker):
    """Hot containers, and everything on its way used once."""
    stoker.ask("POST", "/invoke/" + stoker.fn)  # the first start, however long it takes
    wrk(stoker.invoke_url(), 32, WARM_UP_SECONDS, SYNC)


def _percentile(out, name):
    number, unit = re.search(name + r"%\s+([\d.]+)(us|ms|s|m)", out).groups()
    return float(number) * _MILLISECONDS[unit]


def percentile(samples, part):
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


class Client:
    """One kept connection and nothing between it and the socket."""

    def __init__(self, port, seconds_max=60):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=seconds_max)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def request(self, method, target, headers=(), body=b""):
        """Status, header block and body of the answer."""
        lines = [f"{method} {target} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}", *headers]
        self.socket.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._more()
        head, _, text = answer.partition(b"\r\n\r\n")
        length = int(re.search(rb"\r\ncontent-length: *(\d+)", head, re.I)[1])
        while len(text) < length:
            text += self._more()
        return int(head.split(b" ", 2)[1]), head.decode(), text

    def _more(self):
        piece = self.socket.recv(65536)
        if not piece:
            raise ConnectionError("the server closed the connection")
        return piece


def call_all(port, fns, spread_seconds=0):
    """Calls each over a connection of its own. The time from the first call to the last answer, what each took in
    ms, and how many were not good."""
    def call(number, fn):
        with Client(port, seconds_max=1_800) as client:
            time.sleep(max(0, begun + spread_seconds * number / len(fns) - time.perf_counter()))
            since = time.perf_counter()
            status = client.request("POST", "/invoke/" + fn)[0]
            return status, (time.perf_counter() - since) * 1000

    begun = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(len(fns)) as callers:
        answers = list(callers.map(call, range(len(fns)), fns))
    return (time.perf_counter() - begun, [ms for _, ms in answers],
            sum(status != 200 for status, _ in answers))
