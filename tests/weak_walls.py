"""The backends without a container, for tests."""

import os

import pytest

from sandbox import Limits, SandboxUnavailable
from sandbox.backends import open_backend
from sandbox.contract import Backend


def opened(kind: str) -> Backend:
    """Open a backend without a container, or skip saying why; SANDBOX_REQUIRE=bwrap makes that a failure."""
    try:
        return open_backend(kind, accept_risk=True, limits=Limits())
    except SandboxUnavailable as error:
        if kind in os.environ.get("SANDBOX_REQUIRE", "").split(","):
            raise
        pytest.skip(str(error))
