"""Runs programs that nobody trusts, and proves how they ended.

Standard library and the `docker` SDK only, and the SDK is loaded when the docker backend is opened. SECURITY.md says
what is promised and what is not; `python -m sandbox check` shows what holds on this machine.
"""

from sandbox.contract import Limits, Result, SandboxUnavailable, Task
from sandbox.pool import SandboxPool
from sandbox.status import Status

__all__ = ["Limits", "Result", "SandboxPool", "SandboxUnavailable", "Status", "Task"]
