#!/bin/sh
# A function in the `default` format: a process for each call. The body comes on stdin, the answer
# goes to stdout, the log to stderr; any exit code but 0 means that the call failed.
set -e
name=$(head -c 1000)
echo "call $FN_CALL_ID: $FN_METHOD $FN_REQUEST_URL" >&2
echo "Hello, ${name:-world}!"
