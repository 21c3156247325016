"""What every Python test of the project starts from."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# litellm fetches prices from the network when it is imported without this.
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The root of the source tree."""
    return Path(__file__).resolve().parent.parent
