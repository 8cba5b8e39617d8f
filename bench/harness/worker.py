"""A peer's process: asked in lines of JSON, stopped while it is not its turn."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from harness.environments import Unavailable


class Worker:
    """A process that answers requests, see `workers/protocol.py`.

    Between requests the process is stopped, so that threads that wait in a loop for more work
    take no time from the others.
    """

    def __init__(
        self, command: Sequence[str | Path], log: Path, environment: Mapping[str, str]
    ) -> None:
        """Start ``command``; what it prints beside answers goes to the file ``log``."""
        self._log = log
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **environment},
                start_new_session=True,
            )

    def ask(self, timeout: float, **request: Any) -> dict[str, Any]:
        """Send ``request`` and return its answer.

        Raises:
            Unavailable: the worker answers with an error, ends, or needs over ``timeout`` seconds.
        """
        assert self._process.stdin is not None
        self._signal(signal.SIGCONT)
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
            answer = self._answer(timeout)
        except BrokenPipeError:
            raise Unavailable(self._end()) from None
        self._signal(signal.SIGSTOP)
        if "error" in answer:
            raise Unavailable(_one_line(answer["error"]))
        return answer

    def _answer(self, timeout: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(timeout):
                self.close()
                raise Unavailable(f"gave no answer within {timeout:.0f} s")
        line = self._process.stdout.readline()
        if not line:
            raise Unavailable(self._end())
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _end(self) -> str:
        """Return how the process ended."""
        status = self._process.wait()
        reason = f"status {status}" if status >= 0 else signal.Signals(-status).name
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return _one_line(f"ended with {reason}" + (f": {lines[-1]}" if lines else ""))

    def _signal(self, number: signal.Signals) -> None:
        """Signal the process and those that it started."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, number)

    @property
    def state(self) -> str:
        """The process's state as in Linux's /proc: `T` while it is stopped."""
        status = Path(f"/proc/{self._process.pid}/stat").read_text()
        return status.rpartition(")")[2].split()[0]

    def close(self) -> None:
        """End the process."""
        self._signal(signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def __enter__(self) -> Worker:
        """Return the worker."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the process."""
        self.close()


def _one_line(text: str) -> str:
    """Return the first line of ``text``, cut where it is very long."""
    line = (text.strip().splitlines() or [""])[0]
    return line if len(line) <= 200 else f"{line[:200]}…"
