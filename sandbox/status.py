"""How a task ended: one word, and whose fault it was.

The words are shared by the client and by the supervisor inside the box. Those of `OURS` say that our own machinery or
the machine failed: they are retried, reported and masked, and never count as a wrong answer.
"""

from enum import StrEnum


class Status(StrEnum):
    """How one task ended."""

    PASS = "pass"  # the proof that was asked for was given
    FAIL = "fail"  # the program ran and gave a wrong answer
    ERROR = "error"  # the program raised, exited or ended with a non-zero exit code
    NO_VERDICT = "no_verdict"  # the program ended before anything was proven
    TIMEOUT = "timeout"  # the wall-clock backstop fired while the program slept or waited
    CPU_LIMIT = "cpu_limit"  # the CPU time was used up
    OOM = "oom"  # a memory limit was reached: MemoryError, or the kernel's out-of-memory killer
    KILLED = "killed"  # killed from inside the box, or the worker was lost twice over this task
    SIGNAL = "signal"  # the program died of a signal (a segmentation fault, an abort)
    OUTPUT_LIMIT = "output_limit"  # far more output than is kept
    COMPILE_ERROR = "compile_error"  # the compiler refused the program, or died of it
    COMPILE_TIMEOUT = "compile_timeout"  # the compiler used up its own CPU or wall-clock time
    UNSUPPORTED = "unsupported"  # a value cannot cross between candidate and judge as plain data

    INFRA_ERROR = "infra_error"  # the sandbox itself failed, or the trusted tests do not run
    STARVED = "starved"  # the machine gave the program too little CPU to use up its limit
    CANCELLED = "cancelled"  # the caller gave up waiting

    @property
    def is_ours(self) -> bool:
        """True where the failure says nothing about the program."""
        return self in OURS


OURS = frozenset({Status.INFRA_ERROR, Status.STARVED, Status.CANCELLED})
