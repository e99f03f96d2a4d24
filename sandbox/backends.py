"""Which walls there are, by name; each is loaded only when it is opened."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.contract import Backend, Limits, SandboxUnavailable

if TYPE_CHECKING:
    from sandbox.bubblewrap import BubblewrapBackend
    from sandbox.local import ProcessBackend

BACKENDS = ("docker", "bwrap", "process")


def open_backend(
    name: str, *, image: str | None = None, runtime: str | None = None, accept_risk: bool = False, limits: Limits
) -> Backend:
    """Open a backend, and print once what a weak one lacks. Never falls back to a weaker one.

    Args:
        name: one of `BACKENDS`.
        image: the container image ("docker"), or the directory of a root file system ("bwrap"); None means the image
            that `python -m sandbox build` makes, or the programs of this machine.
        runtime: the engine's runtime that containers are started with ("docker"), such as "runsc"; None means the
            engine's default.
        accept_risk: needed for backends without a container's walls.
        limits: what the walls are sized for.

    Raises:
        ValueError: no backend has this name, or an option belongs to another.
        SandboxUnavailable: this machine cannot open it, or it is weak and nobody accepted the risk.
    """
    if name not in BACKENDS:
        raise ValueError(f"backend: {name!r} is not one of {', '.join(BACKENDS)}")
    if name == "docker":
        try:
            from sandbox.container import DockerBackend
        except ModuleNotFoundError as error:
            raise SandboxUnavailable(f"the Python package {error.name} is missing: `pip install docker`") from None
        return DockerBackend(image, limits, runtime)
    for option, value in (("image", image if name == "process" else None), ("runtime", runtime)):
        if value is not None:
            raise ValueError(f"{option}: backend {name!r} has none; leave it out, or use backend 'docker'")
    if not accept_risk:
        raise SandboxUnavailable(
            f"backend {name!r} has not all of a container's walls: say accept_risk=True (--accept-risk) to run "
            "programs with it, or use backend 'docker'"
        )
    backend = _weak(name, image)
    print(*(f"sandbox: {stamp}" for stamp in backend.stamps), sep="\n", file=sys.stderr)
    return backend


def _weak(name: str, image: str | None) -> "BubblewrapBackend | ProcessBackend":
    if name == "bwrap":
        from sandbox.bubblewrap import BubblewrapBackend

        if image is not None and not Path(image).is_dir():
            raise ValueError(f"image: backend 'bwrap' takes a directory with a root file system, not {image!r}")
        return BubblewrapBackend(None if image is None else Path(image).resolve())
    from sandbox.local import ProcessBackend

    return ProcessBackend()
