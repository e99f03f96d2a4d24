"""States of a running stage: written whole, kept, taken up.

    out/state/step-00000040/     what a stopped run goes on from
    out/metrics.jsonl            one line an optimizer step; lines after the state are cut when it is taken up

A state is written beside the others and renamed, so a kill or a full disk leaves the ones before it as they were. Which
state is the best is read from the metrics: the least held-out loss.
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from specialists.errors import TrainError
from specialists.jsonl import drop_torn_line, read_rows
from specialists.recipe import Keep
from specialists.run import write_text
from specialists.train.engine import Engine
from specialists.train.seat import Seat


class States:
    """The states and metrics of one stage's folder."""

    def __init__(self, out: Path, keep: Keep, seat: Seat) -> None:
        self._folder, self._metrics = out / "state", out / "metrics.jsonl"
        self._keep, self._seat = keep, seat
        if seat.leads:
            drop_torn_line(self._metrics)

    def steps(self) -> list[int]:
        """Return the steps after which there is a state, in order."""
        return sorted(int(path.name.removeprefix("step-")) for path in self._folder.glob("step-*"))

    def rows(self) -> list[dict[str, Any]]:
        """Return the metrics, one entry a step."""
        return [row for _, row in read_rows(self._metrics)] if self._metrics.exists() else []

    def resume(self, engine: Engine) -> int:
        """Load the last whole state, if any, and cut the metrics to it; returns how many steps are done."""
        steps = self.steps()
        if steps:
            engine.load(self._path(steps[-1]))
        done = steps[-1] if steps else 0
        self._seat.wait()
        if self._seat.leads:
            kept = [json.dumps(row) + "\n" for row in self.rows() if row["step"] <= done]
            write_text(self._metrics, "".join(kept))
        self._seat.wait()
        return done

    def log(self, metrics: dict[str, Any]) -> None:
        """Append the line of a step."""
        with self._metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps(metrics) + "\n")

    def save(self, engine: Engine, step: int) -> None:
        """Write the state after `step` and drop those that are no longer kept.

        Raises:
            TrainError: it cannot be written; the states before it are as they were.
        """
        part = self._folder / "part"
        if self._seat.leads:
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
        self._seat.wait()
        failure = ""
        try:
            engine.save(part)
        except (OSError, RuntimeError) as error:  # torch's writer turns a full disk into a RuntimeError
            failure = str(error).splitlines()[0]
        if any(self._seat.total(float(bool(failure)))):
            self._give_up(part, step, failure)
        if self._seat.leads:
            shutil.rmtree(self._path(step), ignore_errors=True)
            part.rename(self._path(step))
            self._drop_old()
        self._seat.wait()

    def best(self) -> int | None:
        """Return the step of least held-out loss among the states on disk; None where none was measured."""
        return best_step(self.rows(), self.steps())

    def load(self, engine: Engine, step: int) -> None:
        """Take up the state after `step`."""
        engine.load(self._path(step))
        self._seat.wait()

    def clear(self) -> None:
        """Remove all states: the stage is done."""
        if self._seat.leads:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _path(self, step: int) -> Path:
        return self._folder / f"step-{step:08d}"

    def _drop_old(self) -> None:
        steps = self.steps()
        kept = {*steps[-self._keep.states :], best_step(self.rows(), steps)}
        for step in set(steps) - kept:
            shutil.rmtree(self._path(step))

    def _give_up(self, part: Path, step: int, failure: str) -> None:
        if self._seat.leads:
            shutil.rmtree(part, ignore_errors=True)
        before = f"the state after step {self.steps()[-1]} is whole" if self.steps() else "there is none before it"
        raise TrainError(
            f"{part.parent}: the state after step {step} cannot be written ({failure or 'another process failed'}); "
            f"{before}. Free space and run the same command again"
        )


def best_step(rows: Sequence[dict[str, Any]], among: Sequence[int]) -> int | None:
    """Return which of the steps `among` has the least held-out loss in the metrics; the first of equals."""
    measured = {row["step"]: row["holdout_loss"] for row in rows if row.get("holdout_loss") is not None}
    found = [step for step in among if step in measured]
    return min(found, key=lambda step: measured[step]) if found else None
