"""Greets whoever a JSON input names; any other input comes back as it came."""

import asyncio
import json
import sys

from fdk import response


async def greet(ctx, given):
    if not given.get("name"):
        return response.Response(
            ctx,
            json.dumps({"error": "name is missing"}),
            {"Content-Type": "application/json"},
            status_code=400,
        )
    await asyncio.sleep(given.get("delay_ms", 0) / 1000)
    headers = ctx.Headers()  # names in lower case; of several with one name, the last
    answer = {
        "message": f'{ctx.Config().get("GREETING", "Hello")}, {given["name"]}!',
        "call_id": ctx.CallID(),
        "attempt": int(headers["fn-attempt"]),
        "deadline": ctx.Deadline(),
        "tags": [headers["x-tag"]] if "x-tag" in headers else [],
    }
    return response.Response(
        ctx,
        json.dumps(answer),
        {"Content-Type": "application/json", "X-Greeted": given["name"]},
    )


async def handler(ctx, data=None):
    body = data.getvalue()
    content_type = ctx.Headers().get("content-type", "application/octet-stream")
    print(f"python: call {ctx.CallID()}: {len(body)} bytes", file=sys.stderr)
    if content_type == "application/json":
        return await greet(ctx, json.loads(body))
    return response.Response(ctx, body, {"Content-Type": content_type})
