"""Makes the images of the docker backend, and carries them between machines.

Three layers, each made only where it is not there already. The base is a Python on Debian: pulled from a public
registry where one is reachable, else made of Debian packages with debootstrap. Toolchains of other languages go on top
of it where they are asked for. Last comes the bundle, which is remade in a second whenever a file of it has changed.
Both ways give the same programs; no Docker command line is needed.
"""

import gzip
import io
import platform
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import requests
from docker import APIClient
from docker.errors import APIError
from docker.types import LogConfig

from sandbox import bundle, debian
from sandbox.container import connect, has_image
from sandbox.contract import SandboxUnavailable
from sandbox.images import TOOLCHAINS, build_command, image_name, only_python, toolchains_version

PUBLIC_BASE = "python:3.11-slim-bookworm"
BASE = "specialists-sandbox-base"
_DOCKERFILE = Path(__file__).parent / "image" / "Dockerfile"
_PULL_SILENCE_S = 20  # a registry that says nothing for so long counts as unreachable
_BUILD_SILENCE_S = 1800
_PIECE_BYTES = 1 << 20

Say = Callable[[str], None]


def build(
    say: Say,
    *,
    from_debootstrap: bool = False,
    languages: Collection[str] = ("python",),
    packages: Path | None = None,
) -> str:
    """Make the image unless it is there already, and return its tag.

    Args:
        say: told each step in one line.
        from_debootstrap: make the base from Debian packages, without asking a registry.
        languages: what the image must run; any beside Python gives the image with all of them.
        packages: directory, on the engine's machine, that keeps downloaded packages from one build to the next.

    Raises:
        SandboxUnavailable: no engine, neither a registry nor debootstrap gives a base, or a step failed.
    """
    client, tag = connect(_BUILD_SILENCE_S), image_name(languages)
    if has_image(client, tag):
        say(f"{tag} is up to date")
        return tag
    if packages is not None:
        packages.mkdir(parents=True, exist_ok=True)
    base = _base(client, say, from_debootstrap=from_debootstrap, packages=packages)
    if not only_python(languages):
        base = _with_toolchains(client, say, base, packages)
    say(f"adding the supervisor to {base}")
    _add_bundle(client, base, tag)
    say(f"built {tag}")
    return tag


def save(path: Path, languages: Collection[str] = ("python",)) -> None:
    """Write the image to a file that `load` reads on a machine without registry or packages; gzip if it ends in .gz.

    Raises:
        SandboxUnavailable: no engine, or no image yet.
    """
    client, tag = connect(_BUILD_SILENCE_S), image_name(languages)
    if not has_image(client, tag):
        raise SandboxUnavailable(f"image {tag} is not here: run `{build_command(languages)}` first")
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


def unpack(directory: Path, languages: Collection[str] = ("python",)) -> None:
    """Write the files of the image into a new directory: a root file system for backend bwrap.

    Raises:
        FileExistsError: the directory is there already.
        SandboxUnavailable: no engine, no image yet, or files that cannot be written.
    """
    client, tag = connect(_BUILD_SILENCE_S), image_name(languages)
    if not has_image(client, tag):
        raise SandboxUnavailable(f"image {tag} is not here: run `{build_command(languages)}` first")
    directory.mkdir(parents=True)
    container = client.create_container(tag)["Id"]
    command = ["tar", "-x", "-C", str(directory), "--exclude=dev", "--no-same-owner"]
    try:
        with subprocess.Popen(command, stdin=subprocess.PIPE) as tar:
            assert tar.stdin is not None
            for piece in client.export(container):
                tar.stdin.write(piece)
            tar.stdin.close()
    finally:
        client.remove_container(container, force=True)
    if tar.returncode != 0:
        raise SandboxUnavailable(f"{directory}: tar could not write all files")


def _base(client: APIClient, say: Say, *, from_debootstrap: bool, packages: Path | None) -> str:
    """Return the tag of a Debian with Python; make one if there is none."""
    own = f"{BASE}:{platform.machine()}"
    if has_image(client, own):
        return own
    if not from_debootstrap:
        say(f"pulling {PUBLIC_BASE}")
        if _pulled(PUBLIC_BASE):
            client.tag(PUBLIC_BASE, BASE, platform.machine())
            return own
        say("no registry is reachable; building from Debian packages instead")
    with tempfile.TemporaryDirectory(prefix="sandbox-base-") as directory:
        say("running debootstrap (half a minute)")
        archive = debian.debootstrap(Path(directory), packages)
        say(f"importing {archive.stat().st_size >> 20} MiB")
        client.import_image_from_file(str(archive), repository=BASE, tag=platform.machine())
    return own


def _with_toolchains(client: APIClient, say: Say, base: str, packages: Path | None) -> str:
    """Return the tag of `base` with compilers and runtimes in a layer on top; make it if there is none."""
    tag = f"{platform.machine()}-{toolchains_version()}"
    if has_image(client, f"{BASE}:{tag}"):
        return f"{BASE}:{tag}"
    say("installing compilers and runtimes (some minutes)")
    binds = {str(packages.absolute()): {"bind": "/mnt", "mode": "rw"}} if packages else None
    logs = LogConfig(type="json-file")  # the engine's default may be one that cannot be read
    host = client.create_host_config(network_mode="host", binds=binds, log_config=logs)
    container = client.create_container(base, ["sh", "/tmp/toolchains.sh"], host_config=host)["Id"]
    try:
        tree = {"tmp/toolchains.sh": TOOLCHAINS.read_bytes(), "tmp/sources.list": debian.sources().encode()}
        client.put_archive(container, "/", _packed(tree).read())
        client.start(container)
        if client.wait(container, timeout=_BUILD_SILENCE_S)["StatusCode"] != 0:
            said = client.logs(container, tail=20).decode("utf-8", "replace")
            raise SandboxUnavailable(f"{TOOLCHAINS.name} failed: {' '.join(said.split())}")
        say("keeping them as a layer")
        client.commit(container, repository=BASE, tag=tag)
    finally:
        client.remove_container(container, force=True)
    return f"{BASE}:{tag}"


def _add_bundle(client: APIClient, base: str, tag: str) -> None:
    """Build our Dockerfile on `base` as `tag`, with nothing of this machine but the bundle in its context."""
    tree = {f"bundle/{name}": content for name, content in bundle.files().items()}
    log = ""
    events: Iterator[dict[str, str]] = client.build(
        fileobj=_packed({"Dockerfile": _DOCKERFILE.read_bytes(), **tree}),
        custom_context=True,
        tag=tag,
        buildargs={"BASE": base},
        network_mode="none",
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


def _pulled(name: str) -> bool:
    repository, _, tag = name.partition(":")
    client = connect(timeout_s=_PULL_SILENCE_S)
    try:
        events = list(client.pull(repository, tag, stream=True, decode=True))
    except (APIError, requests.RequestException):
        return False
    return not any("error" in event for event in events)
