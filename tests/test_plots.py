"""Figures are checked for what can be checked without eyes: bytes, contrast, lightness, labels, text."""

import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hybridlab import plots
from hybridlab.errors import BadInput
from hybridlab.evaluate import Crossover, wilson

ALT = "The 1.5B model leads with 0.88, rules trail with 0.67."


def luminance(colour):
    """Relative luminance of WCAG 2."""
    parts = np.array([int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one, two):
    dark, light = sorted([luminance(one), luminance(two)])
    return (light + 0.05) / (dark + 0.05)


def curve(low, high):
    sizes = [20, 50, 100, 200, 500, 1000, 2000]
    score = np.linspace(low, high, len(sizes))
    return pd.DataFrame({"size": sizes, "score": score, "low": score - 0.04, "high": score + 0.03})


BOARD = pd.DataFrame(
    {
        "accuracy": [0.58, 0.67, 0.80, 0.72, 0.875], "low": [0.54, 0.63, 0.77, 0.69, 0.846],
        "high": [0.62, 0.71, 0.83, 0.76, 0.899], "usd_per_1000": [0, 1e-6, 5e-5, 0.01, 0.035],
    },
    index=["majority", "rules", "TF-IDF", "0.5B model", "1.5B model"],
)


def make_all():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.5, 1, 300)
    curves = {"TF-IDF": curve(0.59, 0.80), "boosting": curve(0.55, 0.76), "student": curve(0.62, 0.81)}
    references = {"1.5B model": wilson(470, 600), "rules": wilson(400, 600)}
    return {
        "curves": plots.learning_curves(curves, references, crossing=Crossover(500, 300, 900, 20, 2000, 0)),
        "open": plots.learning_curves(curves, crossing=Crossover(None, 900, None, 20, 2000, 0.7)),
        "none": plots.learning_curves(curves, crossing=Crossover(None, None, None, 20, 2000, 1.0)),
        "dots": plots.dots_with_intervals(BOARD, reference=0.58),
        "frontier": plots.frontier(BOARD),
        "reliability": plots.reliability({"TF-IDF": (confidence, rng.random(300) < confidence)}),
    }


def test_pictures_come_out_the_same_every_time_and_carry_no_stamp():
    first, second = make_all(), make_all()
    for name, fig in first.items():
        data = plots.png(fig, "A finding")
        assert data == plots.png(fig, "A finding") == plots.png(second[name], "A finding"), name
        assert set(Image.open(io.BytesIO(data)).info) <= {"dpi"}, name


def test_a_picture_is_an_opaque_card_so_it_reads_the_same_on_white_and_on_dark():
    for name, fig in make_all().items():
        picture = Image.open(io.BytesIO(plots.png(fig, "A finding"))).convert("RGBA")
        assert picture.getchannel("A").getextrema() == (255, 255), name
        assert "#%02x%02x%02x" % picture.getpixel((1, 1))[:3] == plots.TOKENS["paper"], name


@pytest.mark.parametrize("name", ["ink", "muted", "petrol", "amber", "plum", "blue", "moss"])
def test_text_and_lines_have_contrast_for_text(name):
    assert contrast(plots.TOKENS[name], plots.TOKENS["paper"]) >= 4.5


CSS = (Path(__file__).parents[1] / "_ext" / "static" / "tokens.css").read_text(encoding="utf-8")


def site_colours(selector):
    """The colours of one theme, by name, as the site's stylesheet lists them."""
    block = CSS[CSS.index(selector):].partition("}")[0]
    return dict(re.findall(r"--hb-([\w-]+): (#[0-9a-f]{6});", block))


def test_figures_and_site_have_the_same_colours():
    site = site_colours("html[data-theme] {")
    assert {name: site.get(name) for name in plots.TOKENS} == plots.TOKENS


@pytest.mark.parametrize("theme", ["html[data-theme] {", 'html[data-theme="dark"] {'], ids=["light", "dark"])
def test_ink_has_contrast_on_every_paper_of_the_site(theme):
    site = site_colours(theme)
    papers = {name: site.pop(name) for name in ("page", "paper", "mark-paper")}
    assert site.pop("grid") and set(site) == set(plots.TOKENS) - {"paper", "grid"}
    poor = {(ink, on): round(contrast(site[ink], colour), 2) for ink in site for on, colour in papers.items()
            if contrast(site[ink], colour) < 4.5}
    assert not poor


def test_figures_are_set_in_the_typeface_of_the_site():
    from matplotlib.font_manager import FontProperties, findfont

    assert plots.TYPEFACES[0] == "Source Sans Pro", "pip install -r requirements.txt brings font-source-sans-pro"
    for weight, file in (("normal", "Regular"), ("bold", "Bold")):
        found = findfont(FontProperties(family=plots.TYPEFACES, weight=weight), fallback_to_default=False)
        assert found.endswith(f"SourceSansPro-{file}.ttf")


def test_typefaces_of_the_site_are_there_and_free():
    folder = Path(__file__).parents[1] / "_ext" / "static"
    files = re.findall(r'url\("([^"]+)"\)', CSS)
    assert files and all((folder / file).read_bytes()[:4] == b"wOF2" for file in files)
    assert {f"fonts/{path.name}" for path in (folder / "fonts").glob("*.woff2")} == set(files)
    assert "SIL OPEN FONT LICENSE" in (folder / "fonts" / "LICENSE").read_text(encoding="utf-8")


def test_series_survive_greyscale():
    def lightness(colour):
        return 116 * luminance(colour) ** (1 / 3) - 16

    shades = sorted(lightness(colour) for colour in plots.SERIES)
    assert min(np.diff(shades)) > 5
    assert len(set(plots.MARKERS)) == len(set(map(str, plots.DASHES))) == len(plots.SERIES)


def test_show_prints_what_the_picture_says(capsys):
    plots.show(plots.frontier(BOARD), finding="The 1.5B model leads", alt=ALT)
    assert capsys.readouterr().out == f"Finding: The 1.5B model leads\nAlt: {ALT}\n"


def test_show_hands_the_notebook_one_png_with_its_alt_text(monkeypatch, capsys):
    import IPython
    import IPython.display

    shown = []
    monkeypatch.setattr(IPython, "get_ipython", lambda: object())
    monkeypatch.setattr(IPython.display, "display", shown.append)
    plots.show(plots.frontier(BOARD), finding="The 1.5B model leads", alt=ALT)
    [image] = shown
    assert image.format == "png" and image.alt == ALT and image.data[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    ("finding", "alt", "message"),
    [
        ("", ALT, "finding is ''"),
        (None, ALT, "finding is None"),
        ("two\nlines of it", ALT, "finding is"),
        ("The 1.5B model leads", "", "alt is ''"),
        ("The 1.5B model leads", "a line that goes up and then down", "with a number in it"),
        ("The 1.5B model leads", "up 3", "20 characters"),
    ],
)
def test_show_refuses_a_figure_without_words(finding, alt, message, capsys):
    with pytest.raises(BadInput, match=message):
        plots.show(plots.frontier(BOARD), finding=finding, alt=alt)
    assert capsys.readouterr().out == ""


def test_a_long_finding_stays_inside_the_picture():
    for name, fig in make_all().items():
        plots.png(fig, "Escalating a third of the rows buys six points and costs more than it saves " * 2)
        fig.draw_without_rendering()
        extent = fig._suptitle.get_window_extent()
        assert extent.x1 <= fig.bbox.x1 and extent.y1 <= fig.bbox.y1, name


def test_lines_are_labelled_directly_and_labels_do_not_touch():
    fig = make_all()["curves"]
    plots.png(fig, "A finding")
    boxes = [text.get_window_extent() for text in fig.axes[0].texts]
    names = {text.get_text() for text in fig.axes[0].texts}
    assert names == {"TF-IDF", "boosting", "student", "1.5B model", "rules"}
    assert not any(one.overlaps(two) for i, one in enumerate(boxes) for two in boxes[:i])
    assert fig.axes[0].get_legend() is None


def test_undominated_by_brute_force():
    rng = np.random.default_rng(0)
    for _ in range(200):
        cost, quality = rng.integers(1, 6, 7).astype(float), rng.integers(1, 6, 7).astype(float)
        best = plots._undominated(cost, quality)
        for i in range(7):
            as_good = (cost <= cost[i]) & (quality >= quality[i])
            beaten = (as_good & ((cost < cost[i]) | (quality > quality[i]))).any()
            same = any(cost[j] == cost[i] and quality[j] == quality[i] for j in best)
            assert beaten != same
        assert (np.diff(cost[best]) > 0).all() and (np.diff(quality[best]) > 0).all()


def test_bad_input_is_named():
    with pytest.raises(BadInput, match="usd_per_1000 is"):
        plots.frontier(BOARD.assign(usd_per_1000=-1))
    with pytest.raises(BadInput, match="confidence of 'llm'"):
        plots.reliability({"llm": ([0.5, 1.2], [True, False])})


def in_axes(fig):
    """The ends of all bars along the x axis, one pair a row, of each panel."""
    return [[(float(a[0]), float(b[0])) for bars in ax.collections for a, b in bars.get_segments() if a[1] == b[1]]
            for ax in fig.axes]


def test_the_frontier_draws_an_interval_on_every_axis_that_has_one():
    table = BOARD.iloc[1:].assign(p95_s=[0.1, 0.2, 3.0, 4.0], p95_s_low=[0.1, 0.1, 2.5, 3.5],
                                  p95_s_high=[0.2, 0.3, 5.0, 9.0])
    dollars, waits = in_axes(plots.frontier_axes(table, {"usd_per_1000": "dollars", "p95_s": "seconds"}))
    assert all(low == high for low, high in dollars), "no interval was given for dollars"
    assert waits == list(zip(table["p95_s_low"], table["p95_s_high"]))


def test_an_interval_of_the_frontier_that_cannot_be_is_named():
    table = BOARD.iloc[1:]
    for change, says in [({"usd_per_1000": 0}, "usd_per_1000 is .0.0"),
                         ({"usd_per_1000_low": -1}, "usd_per_1000_low is"),
                         ({"usd_per_1000_high": 1e-9}, "usd_per_1000 is outside its interval")]:
        with pytest.raises(BadInput, match=says):
            plots.frontier_axes(table.assign(**change), {"usd_per_1000": "dollars"})
    with pytest.raises(BadInput, match="usd_per_1000 is"):
        plots.frontier_axes(table.assign(usd_per_1000=[1, 2, np.nan, 4]), {"usd_per_1000": "dollars"})


def test_more_series_than_colours_go_round():
    fig = plots.learning_curves({f"model {i}": curve(0.5, 0.6 + i / 50) for i in range(7)})
    assert len(fig.axes[0].texts) == 7
