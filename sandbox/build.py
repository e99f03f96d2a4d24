"""Makes the image of the docker backend.

Two steps. The base (a Python on Debian) is made once and kept under its own tag: pulled from a public registry where
one is reachable, else built from Debian packages with debootstrap. The bundle is a small layer on top, remade in a
second whenever a file of it has changed. Both bases behave the same; no Docker command line is needed.
"""

import io
import platform
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

import requests
from docker import APIClient
from docker.errors import APIError, ImageNotFound

from sandbox import bundle
from sandbox.container import connect, image_name
from sandbox.contract import SandboxUnavailable

PUBLIC_BASE = "python:3.11-slim-bookworm"
BASE = "specialists-sandbox-base"
_DOCKERFILE = Path(__file__).parent / "image" / "Dockerfile"
_PACKAGES = "python3-minimal,libpython3-stdlib"
_PULL_SILENCE_S = 20  # a registry that says nothing for so long counts as unreachable
_DEBOOTSTRAP_S = 900
# What debootstrap leaves that is of no use in a box, or tells of the machine it was built on.
_REMOVED = (
    "etc/apt/sources.list", "etc/hostname", "etc/resolv.conf", "usr/share/doc", "usr/share/info", "usr/share/locale",
    "usr/share/man", "var/cache/apt", "var/cache/debconf", "var/lib/apt/lists", "var/log",
)  # fmt: skip

Say = Callable[[str], None]


def build(say: Say, *, from_debootstrap: bool = False) -> str:
    """Make the image unless it is there already, and return its tag.

    Args:
        say: told each step in one line.
        from_debootstrap: make the base from Debian packages, without asking a registry.

    Raises:
        SandboxUnavailable: no engine, or neither a registry nor debootstrap gives a base.
    """
    client = connect()
    tag = image_name()
    if _has(client, tag):
        say(f"{tag} is up to date")
        return tag
    base = _base(client, say, from_debootstrap=from_debootstrap)
    say(f"adding the supervisor to {base}")
    log = ""
    for event in client.build(
        fileobj=_context(),
        custom_context=True,
        tag=tag,
        buildargs={"BASE": base},
        network_mode="none",
        rm=True,
        forcerm=True,
        decode=True,
    ):
        log += event.get("stream", "")
        if "error" in event:
            raise SandboxUnavailable(f"building {tag} failed: {event['error']} {' '.join(log.split())[-300:]}")
    say(f"built {tag}")
    return tag


def _base(client: APIClient, say: Say, *, from_debootstrap: bool) -> str:
    """Return the tag of a base image, making one if there is none."""
    own = f"{BASE}:{platform.machine()}"
    if _has(client, own):
        return own
    if not from_debootstrap:
        say(f"pulling {PUBLIC_BASE}")
        if _pulled(PUBLIC_BASE):
            client.tag(PUBLIC_BASE, BASE, platform.machine())
            return own
        say("no registry is reachable; building from Debian packages instead")
    with tempfile.TemporaryDirectory(prefix="sandbox-base-") as directory:
        archive = _debootstrap(Path(directory), say)
        say(f"importing {archive.stat().st_size >> 20} MiB")
        client.import_image_from_file(str(archive), repository=BASE, tag=platform.machine())
    return own


def _has(client: APIClient, tag: str) -> bool:
    try:
        client.inspect_image(tag)
    except ImageNotFound:
        return False
    return True


def _pulled(name: str) -> bool:
    repository, _, tag = name.partition(":")
    client = connect(timeout_s=_PULL_SILENCE_S)
    try:
        events = list(client.pull(repository, tag, stream=True, decode=True))
    except (APIError, requests.RequestException):
        return False
    return not any("error" in event for event in events)


def _debootstrap(directory: Path, say: Say) -> Path:
    """Make a minimal Debian with Python and return it as a tar file inside `directory`."""
    suite, mirror = _suite(), _mirror()
    if shutil.which("debootstrap") is None:
        raise SandboxUnavailable(
            "no base image: no registry is reachable and debootstrap is missing: `apt install debootstrap`, or load an "
            f"image of {PUBLIC_BASE} with `docker load`"
        )
    say(f"running debootstrap for {suite} (half a minute)")
    root = directory / "root"
    command = ["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", suite, str(root), mirror]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_DEBOOTSTRAP_S, check=False)
    if done.returncode != 0:
        words = (done.stderr or done.stdout).strip().splitlines()
        raise SandboxUnavailable(f"debootstrap failed (it needs root): {words[-1] if words else 'without a word'}")
    for name in _REMOVED:
        path = root / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    archive = directory / "base.tar"
    subprocess.run(["tar", "--numeric-owner", "-C", str(root), "-cf", str(archive), "."], check=True)
    return archive


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


def _context() -> io.BytesIO:
    """Return the build context: the Dockerfile and the bundle, with nothing of this machine in it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tree = {f"bundle/{name}": content for name, content in bundle.files().items()}
        for name, content in {"Dockerfile": _DOCKERFILE.read_bytes(), **tree}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    packed.seek(0)
    return packed
