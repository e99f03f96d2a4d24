"""Command line: python -m sandbox check | run | build | save | load | unpack | doctor | bench | reap."""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track

from sandbox import Limits, Result, SandboxPool, SandboxUnavailable, Status, Task
from sandbox.backends import open_backend
from sandbox.contract import LANGUAGES, WorkerLost
from sandbox.hostile.probe import Probe
from sandbox.images import box_limits, default_limits, image_for, only_python
from sandbox.probes import PROBES, PYTHON, Finding, check
from sandbox.samples import SUFFIXES, is_samples, read_samples, result_row, task_of

app = typer.Typer(
    help="Run programs that nobody trusts, and prove how they ended.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

BackendOption = Annotated[str, typer.Option("--backend", help="docker, or with fewer walls: bwrap, process.")]
ImageOption = Annotated[
    str | None,
    typer.Option("--image", help="Image other than `build` makes; for bwrap, what `unpack` wrote."),
]
RuntimeOption = Annotated[str | None, typer.Option("--runtime", help="The engine's runtime, such as runsc (gVisor).")]
RiskOption = Annotated[bool, typer.Option("--accept-risk", help="Needed for backends without a container's walls.")]
LanguagesOption = Annotated[
    str, typer.Option("--languages", help=f"all, or some of {', '.join(LANGUAGES)}; all but python need the big image.")
]


@contextmanager
def _one_line_errors() -> Iterator[None]:
    """Turn what a user can act on into one line on stderr and exit code 2."""
    try:
        yield
    except (SandboxUnavailable, WorkerLost, ValueError, OSError) as error:  # the engine's errors are OSErrors
        print(f"sandbox: {' '.join(str(error).split())}", file=sys.stderr)
        raise typer.Exit(2) from None


@app.command("check")
def check_command(
    backend: BackendOption = "docker",
    image: ImageOption = None,
    runtime: RuntimeOption = None,
    accept_risk: RiskOption = False,
    only: Annotated[str, typer.Option(help="Run only probes whose name contains this.")] = "",
    languages: LanguagesOption = "python",
) -> None:
    """Run hostile programs and show what this machine really enforces; exit code 1 if a promise is broken."""
    with _one_line_errors():
        asked = _languages(languages)
        probes = [probe for probe in (PYTHON if only_python(asked) else PROBES) if only in probe.name]
        if not probes:
            raise ValueError(f"--only: no probe's name contains {only!r}")
        limits = box_limits(Limits(), asked)
        wall = open_backend(
            backend, image=image_for(backend, image, asked), runtime=runtime, accept_risk=accept_risk, limits=limits
        )
        try:
            findings = _shown_while_running(probes, check(wall, probes))
        finally:
            wall.close()
    counts = Counter("skipped" if f.skipped else "broken" if f.problem else "held" for f in findings)
    print(f"{counts['held']} held, {counts['broken']} broken, {counts['skipped']} not promised by backend {backend}")
    raise typer.Exit(1 if counts["broken"] else 0)


@app.command()
def run(
    file: Annotated[Path, typer.Argument(help=f"Program ({', '.join(SUFFIXES)}), or samples (.jsonl, .jsonl.gz).")],
    tests: Annotated[Path | None, typer.Option(help="Trusted tests in the program's language.")] = None,
    entry_point: Annotated[str, typer.Option(help="Function that Python tests call.")] = "",
    inproc: Annotated[bool, typer.Option("--inproc", help="Run Python tests in the program's process (weak).")] = False,
    stdin: Annotated[Path | None, typer.Option(help="What the program reads.")] = None,
    expect: Annotated[Path | None, typer.Option(help="What the program must print.")] = None,
    out: Annotated[Path | None, typer.Option("--json", help="File for results of samples, instead of stdout.")] = None,
    workers: Annotated[int | None, typer.Option(help="Samples at once, if not one for each CPU.")] = None,
    backend: BackendOption = "docker",
    image: ImageOption = None,
    runtime: RuntimeOption = None,
    accept_risk: RiskOption = False,
    cpu_s: Annotated[float | None, typer.Option(help="CPU seconds instead of the language's default.")] = None,
    memory_mib: Annotated[int | None, typer.Option(help="MiB of memory instead of the language's default.")] = None,
) -> None:
    """Judge one program, or a file of samples; exit code 0 if all hold, 1 if not, 2 if they could not be judged."""
    walls = {"backend": backend, "image": image, "runtime": runtime, "accept_risk": accept_risk}
    changed = {"cpu_s": cpu_s, "memory_mib": memory_mib}
    with _one_line_errors():
        if is_samples(file):
            if tests or entry_point or inproc or stdin or expect:
                raise ValueError(f"{file}: each sample says how it is judged; leave out the options that do")
            held = _judge_samples(file, out, workers, walls, changed)
        else:
            if out or workers:
                raise ValueError("--json, --workers: are for samples (.jsonl, .jsonl.gz); a program has one result")
            task = task_of(file, tests=tests, entry_point=entry_point, inproc=inproc, stdin=stdin, expect=expect)
            limits = _limits((task.language,), **changed)
            with SandboxPool(workers=1, limits=limits, languages=(task.language,), **walls) as box:
                result = box.run(task)
            _show(result)
            held = _held(task, result)
    raise typer.Exit(0 if held else 1)


@app.command()
def build(
    from_debootstrap: Annotated[
        bool, typer.Option("--from-debootstrap", help="Use Debian packages without asking a registry.")
    ] = False,
    packages: Annotated[
        Path | None, typer.Option(help="Directory that keeps downloaded Debian packages for the next build.")
    ] = None,
    languages: LanguagesOption = "python",
) -> None:
    """Make an image of the docker backend; does nothing if it is up to date."""
    with _one_line_errors():
        asked = _languages(languages)
        _need_docker()
        from sandbox.build import build as build_image

        build_image(print, from_debootstrap=from_debootstrap, languages=asked, packages=packages)


@app.command()
def save(
    file: Annotated[Path, typer.Argument(help="File to write; compressed if its name ends in .gz.")],
    languages: LanguagesOption = "python",
) -> None:
    """Write an image to a file, for machines that reach no registry and no packages."""
    with _one_line_errors():
        asked = _languages(languages)
        _need_docker()
        from sandbox.build import save as save_image

        save_image(file, asked)
    print(f"wrote {file} ({file.stat().st_size >> 20} MiB)")


@app.command()
def load(file: Annotated[Path, typer.Argument(help="File that `save` wrote.")]) -> None:
    """Read an image from a file into the engine."""
    with _one_line_errors():
        _need_docker()
        from sandbox.build import load as load_image

        print(*load_image(file), sep="\n")


@app.command()
def unpack(
    directory: Annotated[Path, typer.Argument(help="New directory, for `--backend bwrap --image DIRECTORY`.")],
    languages: LanguagesOption = "python",
) -> None:
    """Write the files of an image into a directory, for machines without an engine."""
    with _one_line_errors():
        asked = _languages(languages)
        _need_docker()
        from sandbox.build import unpack as unpack_image

        unpack_image(directory, asked)
    print(f"unpacked {directory}")


@app.command()
def doctor() -> None:
    """Say what this machine offers to a sandbox and what to do about the rest; exit code 1 if docker is not ready."""
    from sandbox.doctor import examine

    with _one_line_errors():
        notes = examine()
    width = max(len(note.what) for note in notes)
    for note in notes:
        print(f"{note.what:<{width}}  {note.value}" + (f"\n{'':<{width}}  -> {note.problem}" if note.problem else ""))
    raise typer.Exit(1 if any(note.problem for note in notes) else 0)


@app.command()
def bench(
    rounds: Annotated[int, typer.Option(help="Alternating rounds of all ways to judge; 0 leaves them out.")] = 5,
    round_s: Annotated[float, typer.Option(help="Seconds of each way in a round.")] = 3.0,
    tasks: Annotated[str, typer.Option(help="trivial, or humaneval.")] = "trivial",
    workers: Annotated[int, typer.Option(help="Samples at once.")] = 2,
    image: ImageOption = None,
    runtime: RuntimeOption = None,
    soak: Annotated[int, typer.Option(help="Also run this many samples in random order.")] = 0,
    hostile_share: Annotated[float, typer.Option(help="Share of hostile programs in the soak.")] = 0.05,
    load: Annotated[int, typer.Option(help="Also look for false timeouts in this many samples under load.")] = 0,
    recovery: Annotated[bool, typer.Option("--recovery", help="Also time recovery from hostile programs.")] = False,
    start: Annotated[bool, typer.Option("--start", help="Also time the start of a worker.")] = False,
    orphans: Annotated[bool, typer.Option("--orphans", help="Also time what a killed client leaves behind.")] = False,
) -> None:
    """Measure what judging costs here, beside other ways to do it; prints Markdown."""
    with _one_line_errors():
        _need_docker()
        from sandbox.bench import rates, trials, ways

        if tasks not in ("trivial", "humaneval"):
            raise ValueError(f"--tasks: {tasks!r} is neither trivial nor humaneval")
        print(rates.machine())
        with SandboxPool(workers=workers, image=image, runtime=runtime) as box:
            if rounds:
                samples = ways.humaneval() if tasks == "humaneval" else [ways.TRIVIAL]
                rows = rates.compare(box, samples, rounds=rounds, round_s=round_s)
                print(f"\nTasks: {tasks}, {workers} workers, {rounds} rounds of {round_s:g} s\n")
                print(*rates.table(rows), sep="\n")
            if soak:
                print()
                for line in trials.soak(box, samples=soak, hostile_share=hostile_share):
                    print(line, flush=True)
            if load:
                print("", *trials.load(box, samples=load), sep="\n")
        if recovery:
            with SandboxPool(workers=1, image=image, runtime=runtime) as box:
                print("", *trials.recovery(box), sep="\n")
        if start:
            print("", *trials.start(image, runtime), sep="\n")
        if orphans:
            print("", *trials.orphans(workers), sep="\n")


@app.command()
def reap() -> None:
    """Remove containers whose owner, a process of this machine, is dead."""
    with _one_line_errors():
        _need_docker()
        from sandbox.container import connect
        from sandbox.owner import reap as reap_containers

        print(f"removed {len(reap_containers(connect()))} containers")


def _languages(words: str) -> tuple[str, ...]:
    names = LANGUAGES if words == "all" else tuple(words.split(","))
    only_python(names)
    return names


def _judge_samples(
    file: Path, out: Path | None, workers: int | None, walls: dict[str, Any], changed: dict[str, Any]
) -> bool:
    """Write a result for each sample, in their order; return whether every one of them held."""
    counts: Counter[str] = Counter()
    languages = Counter(sample.task.language for sample in read_samples(file))
    if not languages:
        raise ValueError(f"{file}: holds no samples")
    limits = _limits(tuple(languages), **changed) if any(value is not None for value in changed.values()) else None
    all_held = True
    with ExitStack() as stack:
        box = stack.enter_context(SandboxPool(workers=workers, limits=limits, languages=tuple(languages), **walls))
        lines = stack.enter_context(out.open("w", encoding="utf-8")) if out else sys.stdout
        results = zip(read_samples(file), box.map(sample.task for sample in read_samples(file)), strict=True)
        bar = Console(stderr=True, quiet=not sys.stderr.isatty())
        for sample, result in track(results, "judging", languages.total(), console=bar, transient=True):
            lines.write(f"{result_row(sample, result)}\n")
            lines.flush()
            all_held &= _held(sample.task, result)
            counts[f"{result.status} ({result.proof})" if result.status is Status.PASS else result.status] += 1
    said = ", ".join(f"{count} {status}" for status, count in counts.most_common())
    print(f"sandbox: {counts.total()} samples: {said}", file=sys.stderr)
    return all_held


def _limits(languages: tuple[str, ...], *, cpu_s: float | None, memory_mib: int | None) -> Limits:
    """Return the limits of programs in some languages, with what the user changed of them."""
    usual = max((default_limits(language) for language in languages), key=lambda limits: limits.pids)
    return replace(
        usual,
        cpu_s=usual.cpu_s if cpu_s is None else cpu_s,
        wall_s=usual.wall_s if cpu_s is None else None,
        memory_mib=usual.memory_mib if memory_mib is None else memory_mib,
    )


def _held(task: Task, result: Result) -> bool:
    return result.status is Status.PASS or (task.proof == "none" and result.exit_code == 0)


def _show(result: Result) -> None:
    sys.stdout.write(result.stdout)
    sys.stderr.write(result.stderr)
    about = f"{result.cpu_s:.3f} s CPU, {result.wall_s:.3f} s wall, proof {result.proof}"
    print(f"sandbox: {result.status}: {result.detail or 'proven'} ({about})", file=sys.stderr)


def _shown_while_running(probes: list[Probe], findings: Iterator[Finding]) -> list[Finding]:
    """Print each finding as it comes, so that a long check is seen to move."""
    console, done = Console(), []
    width = max(len(probe.name) for probe in probes)
    for finding in findings:
        word = "skip" if finding.skipped else "[red]BROKEN[/red]" if finding.problem else "[green]held[/green]"
        console.print(f"{finding.probe.name:<{width}}  {finding.status or '-':<12}  {word}  ", end="")
        console.print(finding.problem, markup=False)
        done.append(finding)
    return done


def _need_docker() -> None:
    try:
        import docker  # noqa: F401
    except ModuleNotFoundError:
        raise SandboxUnavailable("the Python package docker is missing: `pip install docker`") from None


if __name__ == "__main__":
    app(prog_name="python -m sandbox")
