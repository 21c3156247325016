"""The installed package, as another project uses it: find_package, build the example, run it against a server."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


def run(*command: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end; its output is shown when a test fails."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=540, check=False)
    print(done.stdout, done.stderr)
    return done


def build_directory(project_root: Path) -> Path:
    """Where the libraries were built: XCS_CPP_BUILD, or what `make test` uses."""
    directory = Path(os.environ.get("XCS_CPP_BUILD", project_root / "build" / "dev"))
    assert (directory / "cmake_install.cmake").exists(), f"nothing was built in {directory}: run make test"
    return directory


@pytest.fixture(scope="session")
def prefix(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the package is installed."""
    target = tmp_path_factory.mktemp("prefix")
    build = build_directory(project_root)
    assert run("cmake", "--install", build, "--component", "cpp", "--prefix", target).returncode == 0
    return target


def configure(source: Path, build: Path, prefix: Path) -> subprocess.CompletedProcess[str]:
    return run(
        "cmake", "-S", source, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_BUILD_TYPE=Release"
    )


@pytest.fixture(scope="session")
def summarise(project_root: Path, prefix: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example program, built from the installed package alone."""
    build = tmp_path_factory.mktemp("examples")
    assert configure(project_root / "examples" / "cpp", build, prefix).returncode == 0
    assert run("cmake", "--build", build).returncode == 0
    return build / "summarise"


@pytest.fixture
def server(project_root: Path) -> Iterator[str]:
    """The base URL of a simulator whose answers take 20 ms each."""
    program = build_directory(project_root) / "src" / "sim" / "xcs-sim"
    with subprocess.Popen([program, "--latency-ms", "20"], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        yield running.stdout.readline().removeprefix("listening on ").strip() + "/v1"
        running.terminate()


def test_the_example_prints_the_same_concurrently_as_sequentially(summarise: Path, server: str) -> None:
    concurrent = run(summarise, server)
    sequential = run(summarise, "--sequential", server)
    assert concurrent.returncode == 0
    assert concurrent.stdout == sequential.stdout
    lines = concurrent.stdout.splitlines()
    assert [line.split(":")[0] for line in lines] == [f"report-{n}" for n in range(1, 13)] + ["most urgent"]


def test_the_example_overlaps_all_its_documents(summarise: Path, server: str) -> None:
    figures = run(summarise, server).stderr.split()
    calls, rounds, at_once = int(figures[0]), int(figures[3]), int(figures[5])
    assert 25 <= calls <= 37
    assert rounds in (2, 3)
    assert at_once >= 24
    assert " 1 at once" in run(summarise, "--sequential", server).stderr


def test_the_example_says_which_server_it_cannot_reach(summarise: Path) -> None:
    refused = run(summarise, "http://127.0.0.1:1/v1")
    assert refused.returncode == 1
    assert "127.0.0.1:1" in refused.stderr
    assert refused.stdout == ""


def test_the_example_says_how_it_is_used(summarise: Path) -> None:
    asked = run(summarise)
    assert asked.returncode == 2
    assert asked.stderr.startswith("usage: summarise")


def build_program(source: str, prefix: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Builds a program of one file against the installed package."""
    (folder / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.25)\nproject(program CXX)\nfind_package(xcs REQUIRED)\n"
        "add_executable(program program.cc)\ntarget_link_libraries(program PRIVATE xcs::xcs)\n"
    )
    (folder / "program.cc").write_text(source)
    assert configure(folder, folder / "build", prefix).returncode == 0
    return run("cmake", "--build", folder / "build")


def test_the_program_in_the_documentation_runs(
    prefix: Path, project_root: Path, tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (project_root / "docs" / "cpp.md").read_text()
    source = text.split("```cpp\n")[1].split("```")[0]
    assert build_program(source, prefix, tmp_path).returncode == 0
    monkeypatch.setenv("OPENAI_BASE_URL", server)
    monkeypatch.setenv("OPENAI_API_KEY", "any")
    lines = run(tmp_path / "build" / "program").stdout.splitlines()
    assert len(lines) == 4
    assert [line.split(" (")[0] for line in lines[2:]] == lines[:2]


def test_a_frame_that_takes_a_reference_is_refused_with_a_reason(prefix: Path, tmp_path: Path) -> None:
    source = (
        "#include <xcs/xcs.h>\n"
        "xcs::Value<int> length(const std::string& text) { co_return static_cast<int>(text.size()); }\n"
        'int main() { return xcs::Runtime().run([] { return length(""); }); }\n'
    )
    built = build_program(source, prefix, tmp_path)
    assert built.returncode != 0
    assert "take them by value, not by reference" in built.stdout + built.stderr


def test_only_the_public_headers_are_installed(prefix: Path, project_root: Path) -> None:
    installed = {path.relative_to(prefix) for path in prefix.rglob("*.h")}
    public = {path.relative_to(project_root) for path in (project_root / "include").rglob("*.h")}
    assert installed == public
    for header in public:
        for line in (project_root / header).read_text().splitlines():
            if line.startswith('#include "'):
                assert line.startswith('#include "xcs/'), f"{header}: {line}"
