"""Installs what building and testing XCS needs: Debian packages, and a virtual environment, .venv unless told.

Runs on any Python 3.10 or newer with its standard library alone. A second run finds everything in place and
only checks, in well under a second. When something is missing that it may not or cannot install, it says
what, and the command that installs it, and exits with status 1.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "tools" / "requirements-dev.txt"
OLDEST_PYTHON = (3, 10)

BUILD_PACKAGES = [
    "ccache",
    "cmake",
    "g++",
    "libbenchmark-dev",
    "libcurl4-openssl-dev",
    "libfmt-dev",
    "libgmock-dev",
    "libgtest-dev",
    "libnghttp2-dev",
    "libsimdjson-dev",
    "libsqlite3-dev",
    "libssl-dev",
    "make",
    "ninja-build",
]
# A Python that Debian did not build brings its own headers and venv module.
DEBIAN_PYTHON_PACKAGES = ["python3-dev", "python3-venv"]
# clang 19 is the oldest that compiles std::expected from libstdc++ 12.
# libclang-rt is clang's libFuzzer, for `make fuzz-parsers`.
LINT_PACKAGES = ["clang-19", "clang-format-19", "clang-tidy-19", "libclang-rt-19-dev"]


class SetupError(Exception):
    """Something is missing that this program may not or cannot install; the text says what to do."""


def is_debian_python() -> bool:
    return Path(sysconfig.get_config_var("prefix")) == Path("/usr")


def required_packages(lint: bool) -> list[str]:
    packages = list(BUILD_PACKAGES)
    if is_debian_python():
        packages += DEBIAN_PYTHON_PACKAGES
    if lint:
        packages += LINT_PACKAGES
    return packages


def missing_packages(packages: list[str]) -> list[str]:
    """Returns those of `packages` that dpkg does not report as installed, in the order given."""
    query = ["dpkg-query", "--show", "--showformat", "${binary:Package} ${db:Status-Status}\n", *packages]
    # dpkg-query exits with 1 when it knows none of a name; its output lists those it does know.
    listed = subprocess.run(query, capture_output=True, text=True, check=False).stdout
    installed = {line.split()[0].split(":")[0] for line in listed.splitlines() if line.endswith(" installed")}
    return [package for package in packages if package not in installed]


def install_system_packages(lint: bool) -> None:
    wanted = required_packages(lint)
    if shutil.which("dpkg-query") is None:
        raise SetupError(
            "this machine has no dpkg, so Debian packages cannot be checked or installed.\n"
            f"Install what corresponds to: {' '.join(wanted)}\n"
            "and run again with: make SETUP_FLAGS=--skip-system ..."
        )
    missing = missing_packages(wanted)
    if not missing:
        return
    if os.geteuid() != 0:
        raise SetupError(
            f"these Debian packages are missing: {' '.join(missing)}\n"
            f"Install them with: sudo apt-get install {' '.join(missing)}"
        )
    print(f"setup: installing {' '.join(missing)}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-qq"], environment)
    run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing], environment)


def check_python() -> None:
    if sys.version_info < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        raise SetupError(f"{sys.executable} is Python {sys.version.split()[0]}; XCS needs {oldest} or newer.")
    header = Path(sysconfig.get_path("include")) / "Python.h"
    if not header.exists():
        raise SetupError(
            f"{sys.executable} has no C headers ({header} does not exist).\n"
            "Install its development package, or choose another interpreter with: make PYTHON=..."
        )


def install_environment(venv: Path, build: Path) -> None:
    """Makes the environment `venv`, or brings it up to date, unless its stamp says that it is what is asked for.

    `build` is the folder in which the extension is built for it.
    """
    written = venv / "setup.stamp"
    interpreter = f"{sys.executable} {sys.version} {venv}".replace("\n", " ")
    requirements = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    stamp = written.read_text().splitlines() if written.exists() else []
    if stamp == [interpreter, requirements]:
        return
    print(f"setup: making {venv} for Python {sys.version.split()[0]}", flush=True)
    if stamp[:1] != [interpreter]:
        run([sys.executable, "-m", "venv", "--clear", str(venv)])
        # It remembers the earlier interpreter's headers and the suffix of its extensions.
        (build / "CMakeCache.txt").unlink(missing_ok=True)
    python = str(venv / "bin" / "python")
    # Twice quiet: a find-links folder that lacks a package is no news.
    run([python, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "-r", str(REQUIREMENTS)])
    make_importable(python)
    written.write_text(f"{interpreter}\n{requirements}\n")


def make_importable(python: str) -> None:
    """Puts python/ on the module path of the environment; `make build` places the extension in the package there."""
    site_packages = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    (Path(site_packages) / "xcs.pth").write_text(f"{ROOT / 'python'}\n")


def run(command: list[str], environment: dict[str, str] | None = None) -> None:
    status = subprocess.run(command, env=environment, check=False).returncode
    if status != 0:
        raise SetupError(f"this command failed with status {status}: {' '.join(command)}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lint", action="store_true", help="also what `make lint` and `make format` need")
    parser.add_argument("--skip-system", action="store_true", help="leave system packages to the user")
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv", help="the environment")
    parser.add_argument(
        "--build", type=Path, default=ROOT / "build" / "release", help="where `make build` builds"
    )
    arguments = parser.parse_args()
    try:
        if not arguments.skip_system:
            install_system_packages(arguments.lint)
        check_python()
        install_environment(arguments.venv.absolute(), arguments.build)
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
