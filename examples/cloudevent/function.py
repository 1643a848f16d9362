#!/usr/bin/env python3
"""A function in the `cloudevent` format: a CloudEvents 0.1 envelope a line on stdin, one on stdout."""

import json
import sys

for line in sys.stdin:
    event = json.loads(line)
    print(f"event {event['eventID']}", file=sys.stderr, flush=True)
    answer = {
        "contentType": "application/json",
        "data": {"you sent": event.get("data")},
        "extensions": {"protocol": {"status_code": 200}},
    }
    print(json.dumps(answer), flush=True)
