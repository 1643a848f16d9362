#!/usr/bin/env python3
"""A function in the `http` format: HTTP/1.1 requests on stdin, answers on stdout, one at a time."""

import http.client
import sys


def read_chunks(stream):
    while size := int(stream.readline().split(b";")[0], 16):
        yield stream.read(size)
        stream.readline()
    while stream.readline().strip():
        pass  # trailers


def read_body(stream, headers):
    if headers.get("Transfer-Encoding") == "chunked":
        return b"".join(read_chunks(stream))
    return stream.read(int(headers.get("Content-Length", 0)))


while request_line := sys.stdin.buffer.readline():
    method, target, _ = request_line.decode().split()
    headers = http.client.parse_headers(sys.stdin.buffer)
    body = read_body(sys.stdin.buffer, headers)
    print(f"call {headers['Fn_call_id']}: {method} {target}", file=sys.stderr, flush=True)
    answer = b"Hello, " + (body or b"world") + b"!\n"
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(answer)}\r\n\r\n"
    sys.stdout.buffer.write(head.encode() + answer)
    sys.stdout.buffer.flush()
