"""Numbers in, drawings as SVG text out: no file, no network, the same bytes each time."""

import io
from collections.abc import Sequence

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update(
    {
        "svg.hashsalt": "specialists",
        "svg.fonttype": "none",
        "font.family": "sans-serif",
        "font.sans-serif": ["system-ui", "Segoe UI", "Helvetica", "Arial", "DejaVu Sans"],
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": "#8a94a3",
        "axes.labelcolor": "#3b4554",
        "xtick.color": "#3b4554",
        "ytick.color": "#3b4554",
    }
)

from matplotlib.figure import Figure  # noqa: E402  (the settings above come first)

from specialists.report.compare import Comparison, Training  # noqa: E402

COLOURS = ("#6b7685", "#1f6feb", "#8250df", "#1a7f64", "#bf5b04", "#b42318")


def scores(comparison: Comparison) -> str:
    """Draw every score with its interval, one panel a benchmark, one row a model."""
    benchmarks = list(comparison.titles)
    models = [row.name for row in comparison.rows]
    columns = min(3, len(benchmarks))
    lines = -(-len(benchmarks) // columns)
    figure = Figure(figsize=(3.3 * columns, lines * (0.75 + 0.3 * len(models))), layout="constrained")
    axes = figure.subplots(lines, columns, squeeze=False).flat
    for place, axis in enumerate(axes):
        if place >= len(benchmarks):
            axis.set_axis_off()
            continue
        benchmark = benchmarks[place]
        for height, model in enumerate(reversed(models)):
            cell = comparison.cells[model].get(benchmark)
            if cell is not None:
                score, colour = cell.best, COLOURS[(len(models) - 1 - height) % len(COLOURS)]
                axis.plot([100 * score.low, 100 * score.high], [height, height], color=colour, lw=2, alpha=0.45)
                axis.plot([100 * score.value], [height], "o", color=colour, ms=6)
        axis.set_yticks(range(len(models)), list(reversed(models)) if place % columns == 0 else [""] * len(models))
        axis.set_xlim(-2, 102)
        axis.set_ylim(-0.6, len(models) - 0.4)
        axis.grid(axis="x", color="#e3e7ed", lw=0.8)
        axis.set_title(comparison.titles[benchmark].split(" (")[0], fontsize=9.5, loc="left", color="#1c2430")
        axis.set_xlabel("%" if place >= len(benchmarks) - columns else "")
    return _svg(figure)


def curves(trainings: Sequence[Training]) -> str:
    """Draw loss and learning rate of every stage over its steps."""
    figure = Figure(figsize=(3.3 * max(2, len(trainings)), 3.4), layout="constrained")
    axes = figure.subplots(2, max(2, len(trainings)), squeeze=False, height_ratios=(2.2, 1), sharex="col")
    for column, training in enumerate(trainings):
        steps = range(1, len(training.loss) + 1)
        colour = COLOURS[(column + 1) % len(COLOURS)]
        axes[0, column].plot(steps, training.loss, color=colour, lw=0.8, alpha=0.4)
        axes[0, column].plot(steps, _smoothed(training.loss), color=colour, lw=1.8)
        axes[0, column].set_ylim(bottom=0)
        axes[0, column].set_title(
            f"{training.stage}" + (f" → {training.gives}" if training.gives else ""),
            fontsize=9.5,
            loc="left",
            color="#1c2430",
        )
        axes[1, column].plot(steps, training.lr, color=colour, lw=1.5)
        axes[1, column].ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
        axes[1, column].set_ylim(bottom=0)
        axes[1, column].set_xlabel("step")
    axes[0, 0].set_ylabel("loss (nats a token)")
    axes[1, 0].set_ylabel("learning rate")
    for column in range(len(trainings), axes.shape[1]):
        axes[0, column].set_axis_off()
        axes[1, column].set_axis_off()
    return _svg(figure)


def _smoothed(values: Sequence[float], weight: float = 0.85) -> list[float]:
    """Return the exponential moving average, started at the first value."""
    smooth, last = [], values[0]
    for value in values:
        last = weight * last + (1 - weight) * value
        smooth.append(last)
    return smooth


def _svg(figure: Figure) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None}, transparent=True)
    svg = text.getvalue()
    return svg[svg.index("<svg") :]
