"""Training curves in, drawings as SVG text out: no file, no network, the same bytes each time.

Colours are names of the page's own style variables, so that a drawing follows light and dark.
"""

import io
from collections.abc import Sequence

import matplotlib

matplotlib.use("svg")
_INK = {"#010101": "var(--soft)", "#020202": "var(--line)", "#030303": "var(--accent)"}  # stand-ins in matplotlib
_SOFT, _LINE, _ACCENT = _INK
matplotlib.rcParams.update(
    {
        "svg.hashsalt": "specialists",
        "svg.fonttype": "none",
        "font.family": "sans-serif",
        "font.sans-serif": ["system-ui", "Segoe UI", "Helvetica", "Arial", "DejaVu Sans"],
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": _LINE,
        "axes.labelcolor": _SOFT,
        "xtick.color": _SOFT,
        "ytick.color": _SOFT,
    }
)

from matplotlib.figure import Figure  # noqa: E402  (the settings above come first)
from matplotlib.ticker import MaxNLocator  # noqa: E402

from specialists.report.comparison import Training  # noqa: E402


def curve(training: Training) -> str:
    """Draw loss and learning rate of a stage over its steps; dots are the loss on blocks kept aside."""
    figure = Figure(figsize=(3.6, 2.7), layout="constrained")
    loss, rate = figure.subplots(2, 1, height_ratios=(2.4, 1), sharex=True)
    loss.plot(training.steps, training.loss, color=_ACCENT, lw=0.8, alpha=0.35)
    loss.plot(training.steps, _smoothed(training.loss), color=_ACCENT, lw=1.8)
    if training.holdout:
        loss.plot(*zip(*training.holdout, strict=True), "o--", color=_SOFT, ms=3.5, lw=1)
    loss.set_ylim(bottom=0)
    loss.set_ylabel("nats a token")
    loss.grid(axis="y", color=_LINE, lw=0.6)
    rate.plot(training.steps, training.lr, color=_ACCENT, lw=1.5)
    rate.ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
    rate.set_ylim(bottom=0, top=1.15 * max(training.lr) or 1)
    rate.set_ylabel("learning rate")
    rate.set_xlabel("step")
    rate.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
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
    svg = svg[svg.index("<svg") :]
    for colour, variable in _INK.items():
        svg = svg.replace(colour, variable)
    return svg
