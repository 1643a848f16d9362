#!/usr/bin/env python3
"""A function in the `json` format: one JSON object a line on stdin, one on stdout for each."""

import json
import sys

for line in sys.stdin:
    call = json.loads(line)
    print(f"call {call['call_id']}", file=sys.stderr, flush=True)
    answer = {
        "body": f"Hello, {call['body'] or 'world'}!\n",
        "content_type": "text/plain",
        "protocol": {"status_code": 200, "headers": {"X-Method": [call["protocol"]["method"]]}},
    }
    print(json.dumps(answer), flush=True)
