"""tools/setup.py: what it says when something is missing that it cannot install."""

from __future__ import annotations

from pathlib import Path

import pytest
import setup


def test_packages_that_dpkg_does_not_know_are_missing() -> None:
    assert setup.missing_packages(["dpkg", "no-such-package-anywhere"]) == ["no-such-package-anywhere"]


def test_a_user_who_is_not_root_is_told_the_packages_and_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "BUILD_PACKAGES", ["dpkg", "no-such-package-anywhere"])
    monkeypatch.setattr(setup, "DEBIAN_PYTHON_PACKAGES", [])
    monkeypatch.setattr(setup.os, "geteuid", lambda: 1000)
    with pytest.raises(setup.SetupError) as error:
        setup.install_system_packages(lint=False)
    assert str(error.value) == (
        "these Debian packages are missing: no-such-package-anywhere\n"
        "Install them with: sudo apt-get install no-such-package-anywhere"
    )


def test_a_machine_without_dpkg_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup.shutil, "which", lambda command: None)
    with pytest.raises(setup.SetupError, match=r"libcurl4-openssl-dev.*\n.*--skip-system"):
        setup.install_system_packages(lint=False)


def test_a_python_without_headers_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup.sysconfig, "get_path", lambda name: str(tmp_path))
    with pytest.raises(setup.SetupError, match=r"no C headers.*Python\.h does not exist"):
        setup.check_python()


def test_an_old_python_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "OLDEST_PYTHON", (99, 0))
    with pytest.raises(setup.SetupError, match=r"XCS needs 99\.0 or newer"):
        setup.check_python()


def test_a_finished_environment_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(setup, "run", commands.append)
    monkeypatch.setattr(setup, "make_importable", lambda python: None)
    setup.install_environment(tmp_path, tmp_path)
    assert [command[1:3] for command in commands] == [["-m", "venv"], ["-m", "pip"]]
    setup.install_environment(tmp_path, tmp_path)
    assert len(commands) == 2


def test_another_interpreter_makes_cmake_look_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "CMakeCache.txt"
    cache.touch()
    (tmp_path / "setup.stamp").write_text("/usr/bin/another-python 3.9\n0\n")
    monkeypatch.setattr(setup, "run", lambda command: None)
    monkeypatch.setattr(setup, "make_importable", lambda python: None)
    setup.install_environment(tmp_path, tmp_path)
    assert not cache.exists()


def test_a_failing_command_is_named_with_its_status() -> None:
    with pytest.raises(setup.SetupError, match="failed with status 1: false"):
        setup.run(["false"])
