"""The simulator as a context manager: a server on this machine that speaks the providers' APIs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from xcs._errors import UsageError

if TYPE_CHECKING:
    import ssl


def simulator_program() -> str:
    """The path of the simulator's executable.

    Raises:
        UsageError: It is not installed with this package and not on PATH.
    """
    beside = Path(__file__).parent / "_bin" / "xcs-sim"
    found = os.environ.get("XCS_SIM") or (str(beside) if beside.exists() else shutil.which("xcs-sim"))
    if not found:
        raise UsageError(
            f"the simulator is not installed: no {beside}; build the package again, or set XCS_SIM"
        )
    return found


class Simulator:
    """A running simulator: starts on entering, stops on leaving.

    Its answers are a pure function of the request, so that two runs of a program can be compared; see
    docs/simulator.md for the options.

    Args:
        options: Command-line options of ``xcs sim``, by name: ``latency_ms=100`` is ``--latency-ms 100``. True
            gives the bare flag.

    Example:
        >>> import xcs
        >>> with xcs.Simulator(latency_ms=0) as sim:
        ...     len(xcs.llm("hello", model="sim", base_url=sim.base_url, api_key="any")) > 0
        True
    """

    def __init__(self, **options: Any) -> None:
        self._arguments: list[str] = []
        for name, value in options.items():
            self._arguments.append("--" + name.replace("_", "-"))
            if value is not True:
                self._arguments.append(str(value))
        self._certificate: str | None = options.get("tls")
        self._process: subprocess.Popen[str] | None = None
        self.base_url = ""

    def __enter__(self) -> Simulator:
        program = simulator_program()
        try:
            # The pipe is closed with this process, however it ends, and the server ends with the pipe.
            self._process = subprocess.Popen(
                [program, "--until-stdin-closes", *self._arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        except OSError as error:
            raise UsageError(f"cannot start the simulator {program}: {error.strerror}") from None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if "://" not in line:
            status = self._end(self._process)
            raise UsageError(f"the simulator did not start (exit status {status}); its message is above")
        self.base_url = line.removeprefix("listening on ").strip()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.terminate()
        self._end(self._process)

    @staticmethod
    def _end(process: subprocess.Popen[str]) -> int:
        status = process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        return status

    def stats(self) -> dict[str, Any]:
        """The server's own counters since the last reset: `"requests"`, `"in_flight"`, `"peak_in_flight"` and more."""
        counters: dict[str, Any] = json.loads(self._counters("GET"))
        return counters

    def reset(self) -> None:
        """Sets the counters to zero."""
        self._counters("DELETE")

    def _counters(self, method: str) -> bytes:
        import urllib.request  # a third of the package's own import time, for what few programs use

        request = urllib.request.Request(f"{self.base_url}/sim/stats", method=method)
        with urllib.request.urlopen(request, timeout=10, context=self._trust()) as answer:
            body: bytes = answer.read()
            return body

    def _trust(self) -> ssl.SSLContext | None:
        """What to trust when the server was started with `tls`: its own certificate."""
        if self._certificate is None:
            return None
        import ssl  # likewise

        return ssl.create_default_context(cafile=self._certificate)
