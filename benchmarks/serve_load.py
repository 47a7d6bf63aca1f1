"""How many decisions a server makes in a second, beside the bare judge, and how long callers wait.

    python benchmarks/serve_load.py --out benchmarks/results/serve-load.json
    python benchmarks/serve_load.py --model smollm2 --callers 32 --requests 96 --repeats 1
    python benchmarks/serve_load.py --soak 600 --out benchmarks/results/serve-soak.json

The server is a process of its own; the callers are connections of this one, each of which sends
its next request once it has its answer. No text comes twice: nothing comes from memory. "Bare" is
`decide` on a list of as many other texts, in a process without a server, by turns with the load:
what a user without HTTP would get. The ratio is that of decisions in a second, by the medians of
`--repeats` turns. Milliseconds of the processor are those of the server, without its callers, and
of the bare judge: on a machine that is busy otherwise they say more. With `--soak` the load goes on
for so many seconds, and the memory of the server is read on the way.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import leanfair
from leanfair.fairness.judge.backends.models import Function, Local
from leanfair.serving.limits import Limits
from leanfair.serving.running import serve
from leanfair.serving.tokens import Tokens

TOKEN = "a-token-of-the-benchmark"
PROMPTS = {
    "texts": "Should this person get the loan? {text} Answer yes or no:",
    "records": "Should a {race} clerk of {age}, case {number}, get the loan? Answer yes or no:",
}
RACE = leanfair.attribute("race", values=["Black", "White"])


def item(kind: str, number: int) -> Any:
    """A text or a record that nobody has asked about, and that tells race."""
    if kind == "records":
        return {"race": "Black", "age": 20 + number % 60, "number": number}
    return f"Person {number} is a Black man of {20 + number % 60} who works as a clerk in Ohio."


def cheap(texts: list[str]) -> Any:
    """A model that costs next to nothing."""
    chances = [0.4 if "Black" in each else 0.7 for each in texts]
    return np.array([[chance, 1 - chance] for chance in chances])


def decider(model: str, kind: str) -> Any:
    """The judge that is measured."""
    if model == "cheap":
        given: Any = Function(cheap, name="cheap")
    else:
        from leanfair.cli.fairness.demo_fair import smollm2

        given = Local(smollm2(), chat=False)
    judge = leanfair.Judge(given, PROMPTS[kind], ["yes", "no"], min_captured=0.0)
    return leanfair.mitigate(judge, RACE, "mean")


class Load:
    """Callers of the server at `port`, and what they saw."""

    def __init__(self, kind: str, port: int, callers: int, start: int) -> None:
        self.kind, self.port, self.callers, self.next = kind, port, callers, start
        self.seconds: list[float] = []
        self.statuses: dict[int, int] = {}

    async def run(self, requests: int, until: float = float("inf")) -> float:
        """Send so many requests, or until a time; returns the seconds that it took."""
        last, begun = self.next + requests, time.perf_counter()
        await asyncio.gather(*(self._caller(last, until) for _ in range(self.callers)))
        return time.perf_counter() - begun

    async def _caller(self, last: int, until: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        while self.next < last and time.perf_counter() < until:
            number, self.next = self.next, self.next + 1
            begun = time.perf_counter()
            status = await _ask(reader, writer, item(self.kind, number))
            self.seconds.append(time.perf_counter() - begun)
            self.statuses[status] = self.statuses.get(status, 0) + 1
        writer.close()

    def latency(self) -> dict[str, float]:
        """Milliseconds that half, nine of ten, ... of the callers waited."""
        found = np.quantile(np.array(self.seconds), [0.5, 0.9, 0.99, 1.0])
        names = ("p50", "p90", "p99", "longest")
        return {
            name: round(1000 * float(value), 1) for name, value in zip(names, found, strict=True)
        }


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: Any) -> int:
    body = json.dumps({"items": [asked], "variations": False}).encode()
    head = (
        f"POST /v1/decisions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    length = int(re.findall(r"(?i)content-length: (\d+)", lines)[0])
    await reader.readexactly(length)
    return int(lines.split(" ", 2)[1])


def bare(judge: Any, kind: str, rows: int, start: int, together: int) -> float:
    """Decisions in a second without a server, in lists of as many as a round takes."""
    begun = time.perf_counter()
    for first in range(start, start + rows, together):
        last = min(first + together, start + rows)
        judge.decide([item(kind, number) for number in range(first, last)])
        judge.forget(0)
    return rows / (time.perf_counter() - begun)


def memory(process: int) -> float:
    """Megabytes that a process holds."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) / 1000


def processor(process: int) -> float:
    """Seconds of the processor that a process had."""
    parts = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def turns(given: argparse.Namespace, server: subprocess.Popen[str], port: int) -> dict[str, Any]:
    """The load and the bare judge, by turns."""
    kind = given.items
    judge, served, alone, last = decider(given.model, kind), [], [], None
    bare(judge, kind, 4, 10**7, 4)
    asyncio.run(Load(kind, port, 4, 10**8).run(8))  # both have read their words by then
    costs: dict[str, list[float]] = {"served": [], "bare": []}
    for turn in range(given.repeats):
        before = time.process_time()
        alone.append(bare(judge, kind, given.requests, 10**7 + turn * 10**6, Limits().together))
        costs["bare"].append(1000 * (time.process_time() - before) / given.requests)
        before = processor(server.pid)
        last = Load(kind, port, given.callers, 10**9 + turn * 10**6)
        served.append(given.requests / asyncio.run(last.run(given.requests)))
        costs["served"].append(1000 * (processor(server.pid) - before) / given.requests)
        assert last.statuses == {200: given.requests}, last.statuses
    assert last is not None
    return {
        "decisions_per_second": {"served": served, "bare": alone},
        "ratio": statistics.median(served) / statistics.median(alone),
        "processor_ms_per_decision": costs,
        "latency_ms": last.latency(),
        "memory_mb": round(memory(server.pid)),
    }


async def soak(
    given: argparse.Namespace, server: subprocess.Popen[str], port: int
) -> dict[str, Any]:
    """The load for a while, and the server's memory on the way."""
    load = Load(given.items, port, given.callers, 10**9)
    begun, held = time.perf_counter(), []

    async def watch() -> None:
        while True:
            held.append((round(time.perf_counter() - begun), round(memory(server.pid), 1)))
            await asyncio.sleep(max(1.0, given.soak / 60))

    watching = asyncio.ensure_future(watch())
    await load.run(10**9, begun + given.soak)
    watching.cancel()
    later = [(at, size) for at, size in held if at >= given.soak / 3]
    slope = float(np.polyfit([at / 60 for at, _ in later], [size for _, size in later], 1)[0])
    return {
        "seconds": given.soak,
        "requests": len(load.seconds),
        "statuses": load.statuses,
        "latency_ms": load.latency(),
        "memory_mb": held,
        "growth_mb_per_minute_after_a_third": round(slope, 3),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--model", choices=["cheap", "smollm2"], default="cheap")
    parser.add_argument("--items", choices=list(PROMPTS), default="records")
    parser.add_argument("--callers", type=int, default=500)
    parser.add_argument("--requests", type=int, default=3000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--soak", type=float, default=0)
    parser.add_argument("--out")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(decider(given.model, given.items), Tokens.of([TOKEN]), port=0, is_quiet=True,
              ready=lambda url: print(url, flush=True))  # fmt: skip
        return 0
    command = [sys.executable, __file__, "--serve", "--model", given.model, "--items", given.items]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    port = int(server.stdout.readline().rpartition(":")[2])
    found = asyncio.run(soak(given, server, port)) if given.soak else turns(given, server, port)
    server.terminate()
    told = {
        "model": given.model, "items": given.items,
        "callers": given.callers, "requests": given.requests,
        "cores": os.cpu_count(), "load_average": os.getloadavg()[0],
        "leanfair": leanfair.__version__, **found, "exit_code": server.wait(60),
    }  # fmt: skip
    print(json.dumps(told, indent=1))
    if given.out:
        Path(given.out).write_text(json.dumps(told, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
