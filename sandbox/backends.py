"""Which walls there are, by name; each is loaded only when it is opened."""

from sandbox.contract import Backend, Limits, SandboxUnavailable

BACKENDS = ("docker", "process")


def open_backend(name: str, *, image: str | None, accept_risk: bool, limits: Limits) -> Backend:
    """Open a backend. Never falls back to a weaker one.

    Raises:
        ValueError: no backend has this name.
        SandboxUnavailable: this machine cannot open it, or it is weak and nobody accepted the risk.
    """
    if name == "docker":
        try:
            from sandbox.container import DockerBackend
        except ModuleNotFoundError as error:
            raise SandboxUnavailable(f"the Python package {error.name} is missing: `pip install docker`") from None
        return DockerBackend(image, limits)
    if name == "process":
        if not accept_risk:
            raise SandboxUnavailable(
                "backend 'process' has no container's walls: say accept_risk=True (--accept-risk) to run programs with "
                "it, or use backend 'docker'"
            )
        from sandbox.local import ProcessBackend

        return ProcessBackend()
    raise ValueError(f"backend: {name!r} is not one of {', '.join(BACKENDS)}")
