"""Counting from end to end, in a process that may not connect to anything but the model."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import socket
import sys
import threading

allowed, attempts = [], []

def audit(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "urllib.Request"):
        host, port = args[1][:2] if event == "socket.connect" else args[:2]
        if port not in allowed:
            attempts.append((event, args))
            raise OSError(event)

sys.addaudithook(audit)

import openai
from clearspan.figures.tokens import counter, vocabularies
from clearspan.testing import ModelServer, Reply, captured

ready, real = threading.Event(), vocabularies.load

def late(name):
    ready.wait(60)
    return real(name)

class Held(vocabularies.Vocabularies):
    def __init__(self):
        super().__init__(late)
        loading.append(self)

loading = []
counter.Vocabularies = Held

with ModelServer() as server, captured() as seen:
    allowed.append(server.port)
    server.script(Reply("Hello there."), Reply("Hello there."))
    client = openai.OpenAI(base_url=server.url, api_key="unused", max_retries=0)

    def ask():
        stream = client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": "hello"}], stream=True
        )
        return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)

    answers = [ask()]
    first = seen.spans[0].attributes
    ready.set()
    for held in loading:
        held.settle(60)
    answers.append(ask())
    second = seen.spans[1].attributes

assert attempts == [], attempts
assert answers == ["Hello there."] * 2, answers
for found in (first, second):
    print(found.get("clearspan.usage.source"), found.get("gen_ai.usage.input_tokens"), found.get("gen_ai.usage.output_tokens"))
"""


def test_a_stream_without_usage_and_without_a_network(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"TIKTOKEN_CACHE_DIR": str(tmp_path), "HOME": str(tmp_path), "TMPDIR": str(tmp_path)},
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    # The call came back while the vocabulary was held up; there is none on this disk, so both are estimates.
    assert done.stdout.splitlines() == ["estimated 8 2", "estimated 8 2"]
    assert list(tmp_path.iterdir()) == []
