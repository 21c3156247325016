"""tools/run_tests.py: the counts are right, and no failure of a runner passes for success."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import run_tests

TWO_PASSED_ONE_FAILED = """<testsuites><testsuite>
  <testcase name="a"/><testcase name="b"><system-out>text</system-out></testcase>
  <testcase name="c"><failure message="no"/></testcase><testcase name="d"><skipped/></testcase>
</testsuite></testsuites>"""
ONE_PASSED = '<testsuite><testcase name="a"/></testsuite>'


def suite(folder: Path, results: str | None, status: int, name: str = "some") -> run_tests.Suite:
    """A suite whose runner writes `results` and ends with `status`."""
    target = folder / f"{name}.xml"
    script = f"import sys, pathlib; text = {results!r}\n"
    script += f"if text is not None: pathlib.Path({str(target)!r}).write_text(text)\nsys.exit({status})"
    return run_tests.Suite(name, [sys.executable, "-c", script], target)


@pytest.fixture
def summary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "summary"
    monkeypatch.setattr(run_tests, "SUMMARY", path)
    return path


def test_passed_failed_and_skipped_tests_are_counted_from_the_results(tmp_path: Path) -> None:
    assert run_tests.run(suite(tmp_path, TWO_PASSED_ONE_FAILED, 1)) == run_tests.Outcome(2, 1, 1)


def test_a_runner_that_writes_no_results_is_a_failure(tmp_path: Path) -> None:
    assert run_tests.run(suite(tmp_path, None, 0)) == run_tests.Outcome(0, 1, 0)


def test_results_of_an_earlier_run_do_not_count(tmp_path: Path) -> None:
    run_tests.run(suite(tmp_path, ONE_PASSED, 0))
    assert run_tests.run(suite(tmp_path, None, 0)) == run_tests.Outcome(0, 1, 0)


def test_a_suite_without_tests_is_a_failure(tmp_path: Path) -> None:
    assert run_tests.run(suite(tmp_path, "<testsuite/>", 0)) == run_tests.Outcome(0, 1, 0)


def test_a_runner_that_fails_without_a_failing_test_is_a_failure(tmp_path: Path) -> None:
    assert run_tests.run(suite(tmp_path, ONE_PASSED, 3)) == run_tests.Outcome(1, 1, 0)


def test_the_last_line_counts_every_suite(
    tmp_path: Path, summary: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    total = run_tests.run_all(
        [suite(tmp_path, TWO_PASSED_ONE_FAILED, 1, "first"), suite(tmp_path, ONE_PASSED, 0, "second")]
    )
    assert total == run_tests.Outcome(3, 1, 1)
    assert capsys.readouterr().out.splitlines()[-1] == "3 passed, 1 failed"
    assert summary.read_text() == "3 passed, 1 failed\n"
