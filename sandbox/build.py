"""Makes the images of the docker backend, and carries them between machines.

Two steps. The base (a Python on Debian, with or without the toolchains of other languages) is made once and kept under
its own tag: pulled from a public registry where one is reachable, else made of Debian packages with debootstrap. The
bundle is a small layer on top, remade in a second whenever a file of it has changed. Both ways give the same programs;
no Docker command line is needed.
"""

import gzip
import io
import platform
import tarfile
import tempfile
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import requests
from docker import APIClient
from docker.errors import APIError, ImageNotFound

from sandbox import bundle
from sandbox.container import connect
from sandbox.contract import SandboxUnavailable
from sandbox.debian import debootstrap
from sandbox.images import TOOLCHAINS, image_name, only_python, toolchains_version

PUBLIC_BASE = "python:3.11-slim-bookworm"
BASE = "specialists-sandbox-base"
_IMAGE = Path(__file__).parent / "image"
_PULL_SILENCE_S = 20  # a registry that says nothing for so long counts as unreachable
_BUILD_SILENCE_S = 1800
_PIECE_BYTES = 1 << 20

Say = Callable[[str], None]


def build(say: Say, *, from_debootstrap: bool = False, languages: Collection[str] = ("python",)) -> str:
    """Make the image unless it is there already, and return its tag.

    Args:
        say: told each step in one line.
        from_debootstrap: make the base from Debian packages, without asking a registry.
        languages: what the image must run; any beside Python gives the image with all of them.

    Raises:
        SandboxUnavailable: no engine, or neither a registry nor debootstrap gives a base.
    """
    client = connect()
    tag = image_name(languages)
    if _has(client, tag):
        say(f"{tag} is up to date")
        return tag
    base = _base(client, say, from_debootstrap=from_debootstrap, script=None if only_python(languages) else TOOLCHAINS)
    say(f"adding the supervisor to {base}")
    tree = {f"bundle/{name}": content for name, content in bundle.files().items()}
    _add_layer(client, _IMAGE / "Dockerfile", tree, base=base, tag=tag, network="none")
    say(f"built {tag}")
    return tag


def save(path: Path, languages: Collection[str] = ("python",)) -> None:
    """Write the image to a file that `load` reads on a machine without registry or packages; gzip if it ends in .gz.

    Raises:
        SandboxUnavailable: no engine, or no image yet.
    """
    client, tag = connect(_BUILD_SILENCE_S), image_name(languages)
    if not _has(client, tag):
        raise SandboxUnavailable(f"image {tag} is not here: run `python -m sandbox build` first")
    partial = path.with_name(f"{path.name}.partial")
    with gzip.open(partial, "wb", compresslevel=1) if path.suffix == ".gz" else partial.open("wb") as file:
        for piece in client.get_image(tag):
            file.write(piece)
    partial.rename(path)


def load(path: Path) -> list[str]:
    """Read images that `save` wrote, and return what the engine says of them. Raises `SandboxUnavailable`."""
    client = connect(_BUILD_SILENCE_S)
    with path.open("rb") as file:
        events = list(client.load_image(iter(lambda: file.read(_PIECE_BYTES), b"")))
    for event in events:
        if "error" in event:
            raise SandboxUnavailable(f"loading {path} failed: {event['error']}")
    return [event["stream"].strip() for event in events if "stream" in event]


def _base(client: APIClient, say: Say, *, from_debootstrap: bool, script: Path | None) -> str:
    """Return the tag of a base image, with what `script` adds to it; make one if there is none."""
    tag = f"{platform.machine()}{f'-{toolchains_version()}' if script else ''}"
    own = f"{BASE}:{tag}"
    if _has(client, own):
        return own
    if not from_debootstrap:
        say(f"pulling {PUBLIC_BASE}")
        if _pulled(PUBLIC_BASE):
            client.tag(PUBLIC_BASE, BASE, platform.machine())
            if script is not None:
                say("installing compilers and runtimes (some minutes)")
                tree = {script.name: script.read_bytes()}
                _add_layer(client, _IMAGE / "Dockerfile.languages", tree, base=PUBLIC_BASE, tag=own, network=None)
            return own
        say("no registry is reachable; building from Debian packages instead")
    with tempfile.TemporaryDirectory(prefix="sandbox-base-") as directory:
        say(f"running debootstrap ({'some minutes' if script else 'half a minute'})")
        archive = debootstrap(Path(directory), script)
        say(f"importing {archive.stat().st_size >> 20} MiB")
        connect(_BUILD_SILENCE_S).import_image_from_file(str(archive), repository=BASE, tag=tag)
    return own


def _add_layer(
    client: APIClient, dockerfile: Path, tree: dict[str, bytes], *, base: str, tag: str, network: str | None
) -> None:
    """Build `dockerfile` on `base` as `tag`, with nothing of this machine but `tree` in its context."""
    log = ""
    events: Iterator[dict[str, str]] = client.build(
        fileobj=_packed({"Dockerfile": dockerfile.read_bytes(), **tree}),
        custom_context=True,
        tag=tag,
        buildargs={"BASE": base},
        network_mode=network,
        timeout=_BUILD_SILENCE_S,
        rm=True,
        forcerm=True,
        decode=True,
    )
    for event in events:
        log += event.get("stream", "")
        if "error" in event:
            raise SandboxUnavailable(f"building {tag} failed: {event['error']} {' '.join(log.split())[-300:]}")


def _packed(tree: dict[str, bytes]) -> io.BytesIO:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in tree.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    packed.seek(0)
    return packed


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
