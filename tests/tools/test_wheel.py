"""The wheel is the package that `make build` lays out in python/xcs, and works where nothing else of the project is."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def installed(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which the wheel made from build/release was installed."""
    if not (project_root / "build/release/CMakeCache.txt").exists():
        pytest.skip("make build has not run")
    wheels, target = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--quiet"]
    options = [
        "--no-build-isolation",
        "--no-deps",
        "--wheel-dir",
        str(wheels),
        "-C",
        "build-dir=build/release",
    ]
    subprocess.run([*pip, "wheel", *options, str(project_root)], check=True)
    [wheel] = wheels.iterdir()
    subprocess.run(
        [*pip, "install", "--no-deps", "--no-index", "--target", str(target), str(wheel)], check=True
    )
    return target


def package_files(folder: Path) -> set[str]:
    """The files of the package below `folder`, without caches and extensions for other Pythons."""
    own_suffix = sysconfig.get_config_var("EXT_SUFFIX")
    return {
        str(path.relative_to(folder))
        for path in (folder / "xcs").rglob("*")
        if path.is_file()
        and "__pycache__" not in path.parts
        and (path.suffix != ".so" or path.name.endswith(own_suffix))
    }


def test_the_wheel_holds_what_the_workspace_holds(installed: Path, project_root: Path) -> None:
    assert package_files(installed) == package_files(project_root / "python")


def test_the_wheel_holds_every_registry_file(installed: Path, project_root: Path) -> None:
    shipped = {path.name for path in (project_root / "registry").glob("*.toml")}
    assert shipped
    assert {path.name for path in (installed / "xcs/registry").iterdir()} == shipped


def test_the_simulator_in_the_wheel_runs(installed: Path) -> None:
    done = subprocess.run(
        [installed / "xcs/_bin/xcs-sim", "--help"], capture_output=True, text=True, check=True
    )
    assert "--port" in done.stdout


def test_the_package_in_the_wheel_is_imported_from_there(installed: Path) -> None:
    program = f"import sys; sys.path.insert(0, {str(installed)!r}); import xcs; print(xcs.__path__[0])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(installed / "xcs")
