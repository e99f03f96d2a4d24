"""A Debian root file system as one tar file, made without asking a registry of images.

Needs root, debootstrap and a mirror of Debian's packages: the one that this machine's own apt uses.
"""

import re
import shutil
import subprocess
from pathlib import Path

from sandbox.contract import SandboxUnavailable

_PACKAGES = "python3-minimal,libpython3-stdlib"
_DEBOOTSTRAP_S = 900
# What debootstrap leaves that is of no use in a box, or tells of the machine it was built on.
_REMOVED = (
    "etc/apt/sources.list", "etc/hostname", "etc/resolv.conf", "usr/share/doc", "usr/share/info", "usr/share/locale",
    "usr/share/man", "var/cache/apt", "var/cache/debconf", "var/lib/apt/lists", "var/log",
)  # fmt: skip


def debootstrap(directory: Path, packages: Path | None) -> Path:
    """Make a minimal Debian with Python and return it as a tar file inside `directory`.

    Args:
        directory: an empty one on a disk with room for twice the system.
        packages: directory that keeps downloaded packages; None keeps none.

    Raises:
        SandboxUnavailable: not a Debian, no debootstrap, or it failed.
    """
    suite, mirror = _suite(), _mirror()
    if shutil.which("debootstrap") is None:
        raise SandboxUnavailable(
            "no base image: no registry is reachable and debootstrap is missing: `apt install debootstrap`, or load a "
            "saved image with `python -m sandbox load`"
        )
    root = directory / "root"
    options = ["--variant=minbase", f"--include={_PACKAGES}"]
    options += [f"--cache-dir={packages.absolute()}"] if packages else []
    _run("debootstrap", ["debootstrap", *options, suite, str(root), mirror])
    for name in _REMOVED:
        path = root / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    archive = directory / "base.tar"
    subprocess.run(["tar", "--numeric-owner", "-C", str(root), "-cf", str(archive), "."], check=True)
    return archive


def sources() -> str:
    """Return what apt needs in a base that was made here, "" on a machine that could not have made one."""
    try:
        return f"deb {_mirror()} {_suite()} main\n"
    except SandboxUnavailable:
        return ""


def _run(name: str, command: list[str]) -> None:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_DEBOOTSTRAP_S, check=False
    )
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise SandboxUnavailable(f"{name} failed (it needs root): {said[-1] if said else 'without a word'}")


def _suite() -> str:
    """Return the name of the Debian release that this machine runs."""
    release = Path("/etc/os-release")
    match = re.search(r"^VERSION_CODENAME=(\w+)$", release.read_text(), re.MULTILINE) if release.exists() else None
    if match is None:
        raise SandboxUnavailable("no base image: no registry is reachable, and debootstrap needs Debian or Ubuntu")
    return match[1]


def _mirror() -> str:
    """Return the package mirror that apt is set up to use."""
    command = ["apt-get", "indextargets", "--format", "$(RELEASE) $(SITE)", "Created-By: Packages"]
    lines = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.splitlines()
    sites = [site for release, _, site in (line.partition(" ") for line in lines) if release == _suite()]
    if not sites:
        raise SandboxUnavailable(f"no base image: apt knows no mirror of {_suite()}: run `apt-get update`")
    return sites[0]
