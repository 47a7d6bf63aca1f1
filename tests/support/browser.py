"""A headless Chromium that is told what to do over a pipe, and tells what its pages complain of."""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


class Browser:
    """One page of a browser, without scripts: none of them may run."""

    def __init__(self, write: int, read: int) -> None:
        self._write, self._read = write, read
        self._numbers, self._rest = itertools.count(1), b""
        self.complaints: list[str] = []
        target = self("Target.createTarget", url="about:blank")["targetId"]
        self._session = self("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for name in ("Page.enable", "DOM.enable", "Log.enable", "Network.enable"):
            self(name)
        self("Emulation.setScriptExecutionDisabled", value=True)

    def __call__(self, method: str, **params: Any) -> Any:
        """What a command gives."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        if hasattr(self, "_session"):
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while (got := self._next()).get("id") != number:
            pass
        assert "error" not in got, got["error"]
        return got["result"]

    def _next(self) -> Any:
        while b"\0" not in self._rest:
            more = os.read(self._read, 1 << 16)
            assert more, "the browser ended"
            self._rest += more
        message, _, self._rest = self._rest.partition(b"\0")
        got = json.loads(message)
        if got.get("method") == "Log.entryAdded":
            self.complaints.append(got["params"]["entry"]["text"])
        self.loaded = got.get("method") == "Page.loadEventFired"
        return got

    def wait(self) -> None:
        """Until the page is there."""
        while not self.loaded:
            self._next()

    def open(self, url: str) -> None:
        self("Page.navigate", url=url)
        self.wait()

    def find(self, selector: str) -> int:
        root = self("DOM.getDocument")["root"]["nodeId"]
        return int(self("DOM.querySelector", nodeId=root, selector=selector)["nodeId"])

    def type(self, selector: str, words: str) -> None:
        self("DOM.focus", nodeId=self.find(selector))
        self("Input.insertText", text=words)

    def click(self, selector: str) -> None:
        """Click, and wait for the page that comes."""
        node = self.find(selector)
        self("DOM.scrollIntoViewIfNeeded", nodeId=node)
        box = self("DOM.getBoxModel", nodeId=node)["model"]["content"]
        x, y = (box[0] + box[4]) / 2, (box[1] + box[5]) / 2
        self.loaded = False
        for kind in ("mousePressed", "mouseReleased"):
            self("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
        self.wait()

    def source(self) -> str:
        return str(self("DOM.getOuterHTML", nodeId=self.find("html"))["outerHTML"])

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self("Page.captureScreenshot")["data"]))


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser whose profile is in `folder`."""
    assert CHROMIUM is not None
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    command = (
        f'exec "$0" --headless --no-sandbox --disable-gpu --remote-debugging-pipe '
        f'--window-size=1200,1500 --user-data-dir="$1" 3<&{theirs_in} 4>&{theirs_out}'
    )
    process = subprocess.Popen(
        ["bash", "-c", command, CHROMIUM, str(folder)],
        pass_fds=(theirs_in, theirs_out), stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(theirs_in)
    os.close(theirs_out)
    try:
        yield Browser(ours_out, ours_in)
    finally:
        process.terminate()
        process.wait(20)
        os.close(ours_out)
        os.close(ours_in)
