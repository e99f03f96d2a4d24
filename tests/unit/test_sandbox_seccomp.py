"""The filter refuses what it names and lets ordinary programs work."""

import subprocess
import sys

import pytest

from sandbox.image import seccomp

pytestmark = pytest.mark.skipif(not seccomp.available(), reason="the filter knows the system calls of x86-64 only")

START = """
import ctypes, errno, os, socket, subprocess, threading
from sandbox.image import linux, seccomp
linux.renounce_privileges()
assert seccomp.install({families})
libc = ctypes.CDLL(None, use_errno=True)
def call(*arguments):
    ctypes.set_errno(0)
    return ctypes.get_errno() if libc.syscall(*arguments) < 0 else 0
"""


def run_filtered(code: str, families: tuple[int, ...] = seccomp.LOOPBACK) -> subprocess.CompletedProcess[str]:
    program = START.format(families=tuple(map(int, families))) + code
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("name", sorted(seccomp.REFUSED))
def test_each_named_call_is_refused(name: str, refusals: dict[str, int]) -> None:
    assert refusals[name] == 1  # EPERM, whatever the arguments


@pytest.fixture(scope="module")
def refusals() -> dict[str, int]:
    done = run_filtered("print({name: call(number, 0, 0, 0, 0, 0) for name, number in seccomp.REFUSED.items()})")
    return eval(done.stdout, {})  # noqa: S307 - printed by the line above


def test_ordinary_programs_work() -> None:
    done = run_filtered(
        "threads = [threading.Thread(target=print, args=[n]) for n in range(3)]\n"
        "for t in threads: t.start()\n"
        "for t in threads: t.join()\n"
        "print(subprocess.run(['echo', 'hello'], capture_output=True).stdout)\n"
        "a, b = socket.socketpair(); a.send(b'x'); print(b.recv(1))\n"
        "server = socket.create_server(('localhost', 0)); socket.create_connection(server.getsockname())\n"
        "print(os.fork() and os.wait()[1])\n"
    )
    assert done.returncode == 0, done.stderr
    assert "hello" in done.stdout


@pytest.mark.parametrize("family", [socket_family for socket_family in (16, 17, 40, 31, 38)])
@pytest.mark.parametrize("number", [41, 53])  # socket, socketpair
def test_other_address_families_are_refused(number: int, family: int) -> None:
    assert run_filtered(f"print(call({number}, {family}, 1, 0))").stdout == "97\n"  # EAFNOSUPPORT


def test_without_families_only_socket_pairs_work() -> None:
    done = run_filtered("print(call(41, 1, 1, 0), call(41, 2, 1, 0)); socket.socketpair()", families=())
    assert done.stdout.split() == ["97", "97"]
    assert done.returncode == 0


def test_new_namespaces_are_refused_but_not_threads() -> None:
    done = run_filtered("print(call(56, 0x10000000 | 17, 0), call(435, 0, 0))")
    assert done.stdout.split() == ["1", "38"]  # EPERM, and ENOSYS so that the C library falls back to clone
