"""What people see on a terminal: tables, and errors in one line."""

import errno
import sys
from collections.abc import Callable, Sequence

import typer
from rich.table import Table
from typer.exceptions import TyperException

from specialists.errors import SpecialistsError
from specialists.evaluate.selfcheck import SelfCheck
from specialists.plan import Plan
from specialists.progress import console
from specialists.recipe import Recipe
from specialists.records import Score
from specialists.report.comparison import SIGNS, Cell, Comparison, short

USER_ERROR = 2
INTERRUPTED = 130

# What is wrong with a place on disk, not with the program.
_PLACE_ERRORS = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EEXIST,
)


def shield(command: Callable[[], int | None]) -> None:
    """Run a command and leave the process with its exit code.

    What a user can mend (and a full disk) is one line on standard error and exit code 2. A failure of our own keeps its
    traceback: it is for a bug report.
    """
    try:
        sys.exit(command() or 0)
    except SpecialistsError as error:
        _fail(str(error))
    except TyperException as error:
        _fail(error.format_message())
    except (typer.Abort, KeyboardInterrupt):
        print("interrupted; the same command goes on from here", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except OSError as error:
        if error.errno not in _PLACE_ERRORS:
            raise
        where = f"{error.filename}: " if error.filename else ""
        _fail(f"{where}{error.strerror}; free space or choose another place, then run the same command to go on")


def print_plan(recipe: Recipe, plan: Plan) -> None:
    """Print what each stage costs and where the recipe's numbers come from."""
    table = Table(
        title=f"{recipe.title or recipe.name}: {plan.parameters / 1e9:.2f} B parameters on {plan.devices} x "
        f"{plan.device.name} ({plan.device.memory_gib:.0f} GiB, {plan.device.tflops:g} TFLOP/s at "
        f"{plan.device.utilisation:.0%})"
    )
    for column in ("stage", "gives", "steps", "tokens", "tokens/step", "peak lr", "warm-up", "GiB each", "time"):
        table.add_column(column, justify="left" if column in ("stage", "gives") else "right")
    for stage in plan.stages:
        table.add_row(
            stage.stage,
            stage.gives or "-",
            _number(stage.steps),
            _number(stage.tokens),
            _number(stage.batch_tokens),
            f"{stage.peak_lr:g}",
            _number(stage.warmup_steps),
            f"{stage.memory.total:.1f}",
            "after prepare" if stage.hours is None else _duration(stage.hours),
        )
    _show(table)
    memory = Table(title="GiB on each device at the peak of a step (estimate)")
    for column in ("stage", "ZeRO stage", "weights", "gradients", "optimizer", "activations", "logits"):
        memory.add_column(column, justify="left" if column == "stage" else "right")
    for stage in plan.stages:
        need = stage.memory
        parts = (need.weights, need.gradients, need.optimizer, need.activations, need.logits)
        memory.add_row(stage.stage, str(stage.zero_stage or "-"), *(f"{part:.2f}" for part in parts))
    _show(memory)
    if recipe.notes:
        notes = Table("knob", "where its value comes from", title="[C] report, [R] its repository, [U] not stated")
        for knob, note in recipe.notes.items():
            notes.add_row(knob, note.replace("[", "\\["))
        _show(notes)
    for deviation in recipe.deviations:
        print(f"deviation: {deviation}")


def print_scores(scores: Sequence[Score]) -> None:
    """Print scores, one a line."""
    table = Table(title="score in %, 95 % interval")
    for column in ("model", "benchmark", "form", "score", "interval", "n", "marks"):
        table.add_column(column)
    for score in scores:
        marks = ", ".join(f"{count} {mark.replace('_', ' ')}" for mark, count in score.marks.items())
        of = f"{score.n} ({score.subset})" if score.subset else str(score.n)
        table.add_row(score.model, score.title, score.form, _percent(score.value), _interval(score), of, marks)
    _show(table)
    for stamp in dict.fromkeys(stamp for score in scores for stamp in score.stamps):
        print(f"note: {stamp}")


def print_comparison(comparison: Comparison) -> None:
    """Print model x benchmark: value, interval, n, and where it lies relative to the base."""
    table = Table(
        title="score in %, 95 % interval, n; ▲ above the base by the paired test, ▼ below, ≈ no difference shown"
    )
    table.add_column("model", no_wrap=True)
    for title in comparison.titles.values():
        table.add_column(short(title), justify="right")
    for row in comparison.rows:
        cells = [comparison.cells[row.name].get(benchmark) for benchmark in comparison.titles]
        table.add_row(row.name, *("not judged" if cell is None else _cell(cell) for cell in cells))
    _show(table)


def print_checks(checks: Sequence[SelfCheck]) -> None:
    """Print what each grader made of right and wrong answers."""
    table = Table(title="graders: right answers must pass, wrong ones must not")
    for column in ("benchmark", "right answers passed", "listed exceptions", "wrong answers refused", "sound"):
        table.add_column(column)
    for found in checks:
        passed = found.num_gold - len(found.gold_refused) - found.exceptions
        refused = found.num_mutants - len(found.mutants_passed)
        table.add_row(
            found.benchmark,
            f"{passed} of {found.num_gold}",
            str(found.exceptions),
            f"{refused} of {found.num_mutants}",
            "yes" if found.sound else "NO",
        )
    _show(table)
    for found in checks:
        for verdict in (*found.gold_refused, *found.mutants_passed):
            print(f"{verdict.problem_id}: {verdict.mark} ({verdict.reason})")


def read_line() -> str:
    """Ask the user for a line; "" at the end of input."""
    try:
        return console.input("you: ")
    except EOFError:
        return ""


def show_reply(text: str) -> None:
    """Show what a model answered."""
    print(text)


def _cell(cell: Cell) -> str:
    score = cell.best
    return f"{_percent(score.value)} {SIGNS[cell.against_base]}\n{_interval(score)}\nn={score.n}, {score.form}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _interval(score: Score) -> str:
    return f"{_percent(score.low)} to {_percent(score.high)}"


def _duration(hours: float) -> str:
    """Write hours in the unit that reads well: "45 s", "12 min", "3.1 h"."""
    if hours < 1 / 60:
        return f"{3600 * hours:.0f} s"
    return f"{60 * hours:.0f} min" if hours < 1 else f"{hours:.1f} h"


def _number(value: int | None) -> str:
    return "after prepare" if value is None else f"{value:,}"


def _show(table: Table) -> None:
    """Print a table to standard output, as wide as it needs where nobody watches."""
    out = console.__class__(file=sys.stdout, highlight=False)
    if not out.is_terminal:
        out.width = 160
    out.print(table)


def _fail(message: str) -> None:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(USER_ERROR)
