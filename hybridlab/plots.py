"""Figures whose title is their finding, in the inks of the site on a pale card, for light and dark pages.

Lines differ in lightness, marker and dash as well as in hue, so they survive greyscale. Importing this module
sets matplotlib's style. ``TOKENS`` are the light colours of ``_ext/static/tokens.css``; a test compares the two.
"""

import io
import textwrap
from importlib.util import find_spec
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.patheffects import withStroke

from .errors import BadInput

TOKENS = {
    "paper": "#f6f4ee", "ink": "#1d262b", "muted": "#59646a", "grid": "#dcd8ce",
    "petrol": "#12505f", "amber": "#a6570a", "plum": "#520f38", "blue": "#2b5aa8", "moss": "#2a3f1d",
}


def _typefaces():
    """The sans of the site, which a package carries; behind it matplotlib's own, for signs that it lacks."""
    package = find_spec("font_source_sans_pro")
    for style in ("Regular", "It", "Bold") if package else ():
        fontManager.addfont(Path(package.origin).parent / "files" / f"SourceSansPro-{style}.ttf")
    return ["Source Sans Pro", "DejaVu Sans"] if package else ["DejaVu Sans"]


TYPEFACES = _typefaces()
SERIES = [TOKENS[name] for name in ("petrol", "amber", "plum", "blue", "moss")]
MARKERS = "osD^v"
DASHES = ["-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)), (0, (3, 1))]
STYLE = {
    **dict.fromkeys(["figure.facecolor", "axes.facecolor", "savefig.facecolor"], TOKENS["paper"]),
    **dict.fromkeys(["axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"], TOKENS["muted"]),
    **dict.fromkeys(["axes.spines.top", "axes.spines.right"], False), "text.color": TOKENS["ink"],
    "axes.grid": True, "axes.grid.axis": "y", "axes.axisbelow": True, "grid.color": TOKENS["grid"],
    "font.family": TYPEFACES, "font.size": 11, "lines.linewidth": 2, "savefig.dpi": 144,
    "mathtext.fontset": "custom",
    **dict.fromkeys([f"mathtext.{face}" for face in ("rm", "it", "bf", "sf", "tt", "cal")], TYPEFACES[0]),
    "axes.prop_cycle": matplotlib.cycler(color=SERIES),
}
HALO = withStroke(linewidth=3, foreground=TOKENS["paper"])
matplotlib.rcParams.update(STYLE)


def figure(width=7.2, height=4.0):
    """A figure and its axes in the style of the course, in inches; it is shown by ``show`` alone.

    Examples
    --------
    >>> from hybridlab import plots
    >>> fig, ax = plots.figure()
    >>> line = ax.plot([20, 200, 2000], [0.59, 0.73, 0.80])
    """
    fig = Figure(figsize=(width, height), layout="constrained")
    fig.get_layout_engine().set(w_pad=0.1, h_pad=0.08)
    return fig, fig.subplots()


def show(fig, *, finding, alt):
    """Show a figure with its finding as title, and print finding and alternative text.

    The two printed lines are what the tests of a lab compare, as they do not see pictures; so make them from
    results. The picture has no time stamp and comes out the same every time.

    Parameters
    ----------
    fig : matplotlib.figure.Figure
    finding : str
        One sentence that says what the figure shows, not what it plots.
    alt : str
        For readers who do not see it: the winner and the range, in numbers.

    Examples
    --------
    >>> from hybridlab import plots
    >>> fig, ax = plots.figure()
    >>> plots.show(fig, finding="More labels help", alt="Accuracy: 0.59 at 20 labels, 0.80 at 2,000.")
    Finding: More labels help
    Alt: Accuracy: 0.59 at 20 labels, 0.80 at 2,000.
    >>> plots.show(fig, finding="More labels help", alt="a figure")
    Traceback (most recent call last):
        ...
    hybridlab.errors.BadInput: alt is 'a figure'
      expected: one line of 20 characters or more with a number in it
      to do:    name the winner and the range
    """
    _one_line("finding", finding, 8, False, "say what the figure shows")
    _one_line("alt", alt, 20, True, "name the winner and the range")
    data = png(fig, finding)
    print(f"Finding: {finding}\nAlt: {alt}")
    from IPython import get_ipython
    from IPython.display import Image, display

    if get_ipython() is not None:
        display(Image(data, alt=alt, width=int(100 * fig.get_figwidth())))


def png(fig, finding=None):
    """The figure as PNG bytes, with the finding as its title; the same bytes every time.

    Examples
    --------
    >>> from hybridlab import plots
    >>> plots.png(plots.figure()[0], "Nothing yet")[:4]
    b'\\x89PNG'
    """
    title = textwrap.fill(finding or "", int(10.6 * fig.get_figwidth()))
    if title != fig.get_suptitle():
        fig.suptitle(title, x=0.012, ha="left", fontsize=13.5, fontweight="bold")
    fig.draw_without_rendering()
    fig.set_layout_engine("none")  # laid out once: a second pass would move things by a pixel
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def learning_curves(curves, references=None, *, ylabel="accuracy", crossing=None):
    """Scores against the number of training labels, with bands; tiers that need no labels are level lines.

    Parameters
    ----------
    curves : mapping of name to ``Curve.summary(...)`` (columns size, score, low, high)
    references : mapping of name to ``Estimate``, optional
    crossing : Crossover, optional
        Drawn as a shaded range of label counts.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import pandas as pd
    >>> from hybridlab import plots
    >>> from hybridlab.evaluate import wilson
    >>> rows = {"size": [20, 2000], "score": [0.59, 0.80], "low": [0.55, 0.77], "high": [0.63, 0.83]}
    >>> fig = plots.learning_curves({"TF-IDF": pd.DataFrame(rows)}, {"1.5B model": wilson(525, 600)})
    >>> fig.axes[0].get_xscale()
    'log'
    """
    fig, ax = figure()
    ends, references = [], references or {}
    for i, (name, curve) in enumerate(curves.items()):
        look = _look(i)
        ax.fill_between(curve["size"], curve["low"], curve["high"], color=look["color"], alpha=0.13, lw=0)
        ax.plot(curve["size"], curve["score"], **look, ms=5)
        ends.append((name, curve["score"].iloc[-1], look["color"]))
    sizes = np.unique(np.concatenate([curve["size"] for curve in curves.values()]))
    for i, (name, found) in enumerate(references.items(), start=len(curves)):
        look = _look(i) | {"marker": ""}
        ax.axhspan(found.low, found.high, color=look["color"], alpha=0.13, lw=0)
        ax.axhline(found.value, **look)
        ends.append((name, found.value, look["color"]))
    if crossing is not None and crossing.low is not None:
        ax.axvspan(crossing.low, crossing.high or sizes[-1], color=TOKENS["muted"], alpha=0.13, lw=0)
    ax.set(xscale="log", xlabel="training labels", ylabel=ylabel)
    ax.set_xticks(sizes, [f"{size:,}" for size in sizes])
    ax.minorticks_off()
    _label_ends(ax, ends)
    return fig


def dots_with_intervals(table, *, value="accuracy", xlabel=None, reference=None):
    """One row an estimate: dot, interval, number. For tiers, or for differences with ``reference=0``.

    Parameters
    ----------
    table : DataFrame indexed by name with columns ``value``, low and high (a scoreboard will do), or a
        mapping of name to ``Estimate``; drawn from the top
    reference : float, optional, where to draw an upright line

    Examples
    --------
    >>> from hybridlab import plots
    >>> from hybridlab.evaluate import wilson
    >>> fig = plots.dots_with_intervals({"TF-IDF": wilson(480, 600), "1.5B model": wilson(525, 600)})
    >>> [label.get_text() for label in fig.axes[0].get_yticklabels()]
    ['TF-IDF', '1.5B model']
    """
    rows = _rows(table, value)
    fig, ax = figure(height=1.2 + 0.36 * len(rows))
    y = np.arange(len(rows))
    middle, low, high = (np.array(part, dtype=float) for part in zip(*rows.values()))
    ax.hlines(y, low, high, color=SERIES[0], lw=2.2)
    ax.plot(middle, y, "o", color=SERIES[0], ms=7)
    for i, number in enumerate(middle):
        label = f"{number:+.3f}" if reference == 0 else f"{number:.3f}"
        ax.annotate(label, (1.01, i), xycoords=("axes fraction", "data"), va="center")
    if reference is not None:
        ax.axvline(reference, color=TOKENS["muted"], lw=1.2, zorder=0)
    ax.set_yticks(y, list(rows), color=TOKENS["ink"])
    ax.set(ylim=(len(rows) - 0.5, -0.5), xlabel=xlabel or value)
    ax.grid(axis="y", visible=False)
    ax.grid(axis="x", visible=True)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    return fig


def frontier(table, *, quality="accuracy", cost="usd_per_1000", xlabel="US dollars per 1,000 answers"):
    """Quality against cost (logarithmic) with intervals; the step line joins the tiers that nothing beats.

    Parameters
    ----------
    table : DataFrame indexed by tier with columns ``quality``, low, high and ``cost`` (a scoreboard will do)
        A tier that costs nothing stands at the left edge, open.

    Examples
    --------
    >>> import pandas as pd
    >>> from hybridlab import plots
    >>> rows = {"TF-IDF": [0.80, 0.77, 0.83, 0.0001], "1.5B model": [0.87, 0.84, 0.90, 0.03]}
    >>> columns = ["accuracy", "low", "high", "usd_per_1000"]
    >>> fig = plots.frontier(pd.DataFrame.from_dict(rows, orient="index", columns=columns))
    >>> fig.axes[0].get_xscale()
    'log'
    """
    rows = _rows(table, quality)
    paid = table[cost].to_numpy(dtype=float)
    if not (paid >= 0).all() or not (paid > 0).any():
        raise BadInput(f"{cost} is {paid.tolist()}", expected="numbers >= 0, at least one above 0")
    x = np.where(paid > 0, paid, paid[paid > 0].min() / 10)
    fig, ax = figure(height=4.4)
    best = _undominated(x, table[quality].to_numpy(dtype=float))
    ax.step(x[best], table[quality].iloc[best], where="post", color=TOKENS["muted"], lw=1.3, zorder=1)
    for i, (name, (middle, low, high)) in enumerate(rows.items()):
        colour = SERIES[0] if i in best else TOKENS["muted"]
        face = colour if paid[i] > 0 else TOKENS["paper"]
        ax.vlines(x[i], low, high, color=colour, lw=1.8)
        ax.plot(x[i], middle, "o", color=colour, markerfacecolor=face, ms=7)
        label = name if paid[i] > 0 else f"{name} (costs nothing)"
        shift, side = (-7, "right") if x[i] ** 2 > x.min() * x.max() else (7, "left")
        place = {"xytext": (shift, 6), "textcoords": "offset points", "ha": side, "in_layout": False}
        ax.annotate(label, (x[i], middle), color=colour, path_effects=[HALO], **place)
    ax.set(xscale="log", xlabel=xlabel, ylabel=quality)
    ax.margins(x=0.14)
    return fig


def frontier_axes(table, axes, *, quality="accuracy"):
    """Quality against several axes side by side; filled are the tiers that nothing beats on all of them.

    Parameters
    ----------
    table : DataFrame indexed by tier with columns ``quality``, low, high and one a key of ``axes``
    axes : mapping of column, on which less is better and all numbers are above 0, to its label. Where the table
        has ``<column>_low`` and ``<column>_high`` as well, they are drawn as bars along that axis.

    Examples
    --------
    >>> import pandas as pd
    >>> from hybridlab import plots
    >>> rows = {"TF-IDF": [0.80, 0.77, 0.83, 0.01, 0.002], "1.5B model": [0.87, 0.84, 0.90, 0.03, 4.0]}
    >>> table = pd.DataFrame(rows, index=["accuracy", "low", "high", "usd", "p95_s"]).T
    >>> fig = plots.frontier_axes(table, {"usd": "dollars", "p95_s": "seconds"})
    >>> [ax.get_xlabel() for ax in fig.axes]
    ['dollars', 'seconds']
    """
    from .tco import frontier as unbeaten

    free = unbeaten(table, high=(quality,), low=tuple(axes))
    fig = Figure(figsize=(7.2, 4.4), layout="constrained")
    fig.get_layout_engine().set(w_pad=0.1, h_pad=0.08)
    panels = np.atleast_1d(fig.subplots(1, len(axes), sharey=True))
    for ax, (column, label) in zip(panels, axes.items()):
        x, ends = dict(zip(table.index, table[column].astype(float))), _ends_on(table, column)
        for name, (middle, low, high) in _rows(table, quality).items():
            colour = SERIES[0] if free[name] else TOKENS["muted"]
            ax.vlines(x[name], low, high, color=colour, lw=1.8)
            ax.hlines(middle, *ends.loc[name], color=colour, lw=1.8)
            ax.plot(x[name], middle, "o", color=colour, ms=7, mfc=colour if free[name] else TOKENS["paper"])
        few_decades = ends.to_numpy().max() < 20 * ends.to_numpy().min()
        ax.set(xscale="linear" if few_decades else "log", xlabel=label)
        ax.margins(x=0.14)
    panels[0].set_ylabel(quality)
    for ax, column in zip(panels, axes):
        _label_dots(ax, table[column], table[quality], free)
    return fig


def _ends_on(table, column):
    """The two ends of each bar along an axis; the value itself, twice, where no interval is given."""
    names = [column, f"{column}_low", f"{column}_high"]
    found = table.assign(**{name: table[column] for name in names if name not in table})[names].astype(float)
    for name, on_axis in found.items():
        if not (np.isfinite(on_axis) & (on_axis > 0)).all():
            raise BadInput(f"{name} is {on_axis.tolist()}", expected="numbers above 0")
    if not found[names[1]].le(found[column]).all() or not found[names[2]].ge(found[column]).all():
        raise BadInput(f"{column} is outside its interval", expected=f"{names[1]} <= {column} <= {names[2]}")
    return found[names[1:]]


def _label_dots(ax, x, y, free, gap=0.062):
    """Names beside dots, on the side with more room, pushed apart where they would touch."""
    bottom, top = ax.get_ylim()
    place = ax.transAxes.inverted().transform(ax.transData.transform([(at, bottom) for at in x]))[:, 0]
    height = -gap
    for i in np.argsort(y.to_numpy(), kind="stable"):
        height = max(height + gap, (y.iloc[i] - bottom) / (top - bottom))
        shift, side = (-8, "right") if place[i] > 0.5 else (8, "left")
        ax.annotate(x.index[i], (x.iloc[i], height), xycoords=("data", "axes fraction"), xytext=(shift, 0),
                    textcoords="offset points", ha=side, va="center", path_effects=[HALO], in_layout=False,
                    color=SERIES[0] if free.iloc[i] else TOKENS["muted"])


def reliability(curves, *, bins=10):
    """Share right against stated confidence; on the diagonal a tier means what it says.

    Parameters
    ----------
    curves : mapping of name to (confidence, right), arrays of length n, in [0, 1] and true or false
    bins : int
        Bins of equal width between 0 and 1. Bars are Wilson intervals, a dot's area is the bin's share.

    Examples
    --------
    >>> import numpy as np
    >>> from hybridlab import plots
    >>> rng = np.random.default_rng(0)
    >>> confidence = rng.uniform(0.5, 1, 500)
    >>> fig = plots.reliability({"a tier that knows": (confidence, rng.random(500) < confidence)})
    >>> fig.axes[0].get_xlabel()
    'stated confidence'
    """
    from .evaluate import wilson

    fig, ax = figure(width=5.6, height=4.8)
    ax.axline((0, 0), slope=1, color=TOKENS["muted"], lw=1.2, zorder=0)
    ends, left, bottom = [], 1.0, 1.0
    for i, (name, (confidence, right)) in enumerate(curves.items()):
        confidence, right = np.asarray(confidence, dtype=float), np.asarray(right, dtype=bool)
        if not ((confidence >= 0) & (confidence <= 1)).all():
            raise BadInput(f"confidence of {name!r} leaves 0 to 1", expected="numbers from 0 to 1")
        number, look = np.minimum((confidence * bins).astype(int), bins - 1), _look(i)
        members = [number == b for b in np.unique(number)]
        x = [confidence[rows].mean() for rows in members]
        found = [wilson(int(right[rows].sum()), int(rows.sum())) for rows in members]
        share = [f.value for f in found]
        left, bottom = min(left, x[0]), min(bottom, *(f.low for f in found))
        ax.vlines(x, [f.low for f in found], [f.high for f in found], color=look["color"], lw=1.6)
        ax.plot(x, share, **(look | {"marker": ""}), lw=1.4)
        area = [20 + 240 * f.n / len(right) for f in found]
        ax.scatter(x, share, s=area, color=look["color"], marker=look["marker"], zorder=3)
        ends.append((name, share[-1], look["color"]))
    ax.set(xlabel="stated confidence", ylabel="share right")
    ax.set(xlim=(left - 0.03, 1.02), ylim=(bottom - 0.03, 1.02))
    _label_ends(ax, ends)
    return fig


def _look(i):
    i %= len(SERIES)
    return {"color": SERIES[i], "linestyle": DASHES[i], "marker": MARKERS[i]}


def _label_ends(ax, ends, gap=0.072):
    """Names at the right of the lines, pushed apart where they would touch."""
    low, high = ax.get_ylim()
    ends = sorted(ends, key=lambda end: end[1])
    y = [(value - low) / (high - low) for _, value, _ in ends]
    for i in range(1, len(y)):
        y[i] = max(y[i], y[i - 1] + gap)
    for (name, _, colour), height in zip(ends, y):
        place = {"xycoords": "axes fraction", "va": "center"}
        ax.annotate(name, (1.015, height), color=colour, fontweight="bold", **place)


def _undominated(cost, quality):
    """Positions, cheapest first, of the tiers than which none is cheaper and as good."""
    order = np.lexsort((-quality, cost))
    best = np.maximum.accumulate(quality[order])
    return order[np.append(True, best[1:] > best[:-1])]


def _rows(table, value):
    if hasattr(table, "columns"):
        return {str(name): (row[value], row["low"], row["high"]) for name, row in table.iterrows()}
    return {name: (found.value, found.low, found.high) for name, found in table.items()}


def _one_line(name, text, shortest, number, fix):
    good = isinstance(text, str) and len(text.strip()) >= shortest and "\n" not in text
    if not good or number and not any(letter.isdigit() for letter in text):
        expected = f"one line of {shortest} characters or more" + (" with a number in it" if number else "")
        raise BadInput(f"{name} is {text!r}", expected=expected, fix=fix)
