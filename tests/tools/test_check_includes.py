"""tools/check_includes.py: what it refuses, and that the project itself has nothing to refuse."""

from __future__ import annotations

from pathlib import Path

import check_includes
import pytest


def offences_of(root: Path, file: str, text: str) -> list[str]:
    path = root / file
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return [str(offence) for offence in check_includes.offences(root)]


def test_the_project_keeps_the_order_of_folders(project_root: Path) -> None:
    assert list(check_includes.sources(project_root)), "the check must have something to look at"
    assert check_includes.offences(project_root) == []


def test_the_order_is_the_one_that_the_build_follows(project_root: Path) -> None:
    cmake = (project_root / "CMakeLists.txt").read_text()
    assert f"foreach(layer {' '.join(check_includes.LAYERS)})" in cmake


def test_an_include_of_a_later_folder_is_refused_with_file_and_line(tmp_path: Path) -> None:
    text = '#include <vector>\n\n#include "exec/reactor.h"\n'
    assert offences_of(tmp_path, "src/window/window.cc", text) == [
        "src/window/window.cc:3: src/window stands before src/exec and must not include exec/reactor.h"
    ]


@pytest.mark.parametrize("included", ["window/window.h", "base/error.h", "vector", "fmt/core.h"])
def test_an_include_of_the_same_or_an_earlier_folder_is_allowed(tmp_path: Path, included: str) -> None:
    assert offences_of(tmp_path, "src/window/window.cc", f'#include "{included}"\n') == []


def test_a_folder_without_a_place_in_the_order_is_refused(tmp_path: Path) -> None:
    assert offences_of(tmp_path, "src/extra/extra.h", '#include "base/error.h"\n') == [
        "src/extra/extra.h:1: the folder src/extra has no place in the order of folders"
    ]


@pytest.mark.parametrize("header", ["Python.h", "nanobind/nanobind.h"])
def test_only_the_bindings_include_python(tmp_path: Path, header: str) -> None:
    assert offences_of(tmp_path / "a", "src/runtime/runtime.h", f"#  include <{header}>\n") == [
        f"src/runtime/runtime.h:1: only python/bindings may include {header}"
    ]
    assert offences_of(tmp_path / "b", "python/bindings/host.cc", f"#include <{header}>\n") == []


def test_a_public_header_includes_nothing_that_is_not_installed(tmp_path: Path) -> None:
    assert offences_of(tmp_path, "include/xcs/value.h", '#include "window/window.h"\n') == [
        "include/xcs/value.h:1: a public header includes window/window.h, which is not installed"
    ]


def test_the_bindings_may_include_every_folder(tmp_path: Path) -> None:
    assert offences_of(tmp_path, "python/bindings/host.cc", '#include "runtime/runtime.h"\n') == []
