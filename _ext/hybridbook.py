"""The book's own machinery: bound numbers, diagrams, calculators, pages that ask no other host.

``{num}`lab00:call.latency_s` ``  a number from ``data/results``, with its unit and interval
``{diagram} call``                the drawing ``_ext/svg/call.svg`` inside the page, with a caption
``{calculator} cost``             data as JSON, a default result without JavaScript, one script on this page
``{viewer} extraction``           the calculator ``viewer`` on ``data/viewer.json``; it writes its own body
"""

import json
import re
import runpy
import shutil
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

from hybridlab import paths, results
from hybridlab.errors import BadInput

HERE = Path(__file__).parent
log = logging.getLogger(__name__)


RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class num(nodes.inline):
    """A number that was computed; ``address`` says where."""


class calculator(nodes.container):
    """A form that JavaScript draws; its children are the result for the default inputs."""


def written(address, style=""):
    """A stored number with unit and 95 % interval; ``style`` is a format of ``hybridlab.results.format``.

    n stays out: where it matters the sentence says it, by ``{num}`lab01a:reviews.acc.n` ``.
    A line may break before the interval and nowhere else.
    """
    leaf = results.get(address)
    if isinstance(leaf, dict):
        leaf = {key: value for key, value in leaf.items() if key != "n"}
    text = results.format(leaf, style)
    text = re.sub(r"(?<![\w-])-(?=0(\.0*)?(?![\d.]))", "", text)
    text = re.sub(r"(?<![\w-])-(?=[$\d.])", "\N{MINUS SIGN}", text)
    text = re.sub(r"e([+-]\d+)", lambda power: f" × 10{str(int(power[1])).translate(RAISED)}", text)
    if isinstance(leaf, dict) and "low" in leaf and "high" in leaf:
        text = text.replace(" (", " (95 % CI ", 1)
    parts = text.split(" (", 1)
    return " (".join(part.replace(" ", "\N{NO-BREAK SPACE}") for part in parts)


class Num(SphinxRole):
    """``{num}`address``` or ``{num}`address, format```."""

    def run(self):
        self.env.note_dependency(str(paths.data("results", f"{self.text.partition(':')[0]}.json")))
        try:
            address, style = results.reference(self.text)
            text = written(address, style)
        except BadInput as error:
            log.warning("num: %s", error, location=self.get_location(), type="hybridbook", subtype="num")
            return [nodes.problematic(self.rawtext, self.rawtext)], []
        return [num(self.rawtext, text, address=address, classes=["num"])], []


class Diagram(SphinxDirective):
    """One of our own drawings, inside the page so that it follows light and dark."""

    required_arguments = 1
    has_content = True
    option_spec = {"class": directives.class_option}

    def run(self):
        path = HERE / "svg" / f"{self.arguments[0]}.svg"
        self.env.note_dependency(str(path))
        if not path.exists():
            return _warned(self, f"no drawing {path.name}; there are {_stems('svg', '*.svg')}")
        figure = nodes.figure(classes=["diagram", *self.options.get("class", [])])
        figure += nodes.raw("", path.read_text(encoding="utf-8"), format="html")
        text = nodes.Element()
        self.state.nested_parse(self.content, self.content_offset, text)
        if text.children:
            figure += nodes.caption("", "", *[child for part in text.children for child in part.children])
        return [figure]


class Calculator(SphinxDirective):
    """``_ext/calculators/<name>.js`` with its data; the body is the result for the default inputs.

    ``:data:`` lists addresses of results (``lab04:tco``) and files below ``data/`` (``machine.json``). The
    script finds them as JSON in ``script.calculator-data``, draws, and hides ``.calculator-default``. Where a
    ``<name>.py`` stands beside the script, its ``body(data)`` writes that result when the page is built.
    """

    required_arguments = 1
    has_content = True
    option_spec = {"data": directives.unchanged, "label": directives.unchanged_required}

    def run(self):
        name = self.arguments[0]
        if not (HERE / "calculators" / f"{name}.js").exists():
            return _warned(self, f"no calculator {name}; there are {_stems('calculators', '*.js')}")
        if not self.content and not (HERE / "calculators" / f"{name}.py").exists():
            return _warned(self, f"calculator {name} has no body: write its result for the default inputs")
        try:
            data = {item: self.read(item) for item in self.options.get("data", "").split()}
        except (OSError, ValueError, KeyError, TypeError) as error:
            return _warned(self, f"calculator {name}: no such data: {error!r}")
        node = calculator(name=name, data=data, label=self.options.get("label", name))
        self.state.nested_parse(StringList(self.computed(name, data)), self.content_offset, node)
        self.state.nested_parse(self.content, self.content_offset, node)
        return [node]

    def computed(self, name, data):
        """Lines of Markdown for the default inputs, where a module beside the script writes them."""
        path = HERE / "calculators" / f"{name}.py"
        if not path.exists():
            return []
        self.env.note_dependency(str(path))
        return runpy.run_path(str(path))["body"](data).splitlines()

    def read(self, item):
        lab, bound, keys = item.partition(":")
        path = paths.data("results", f"{lab}.json") if bound else paths.data(item)
        self.env.note_dependency(str(path))
        found = json.loads(path.read_text(encoding="utf-8"))
        for key in filter(None, keys.split(".")):
            found = found[key]
        return found


class Viewer(Calculator):
    """``{viewer} extraction``: records of chapter 5 with what each extractor marked in them."""

    has_content = False
    option_spec = {}

    def run(self):
        if self.arguments != ["extraction"]:
            return _warned(self, f"no viewer {self.arguments[0]}; there is extraction")
        self.arguments = ["viewer"]
        self.options = {"data": "viewer.json", "label": "Extraction viewer"}
        return super().run()


def _stems(folder, pattern):
    return ", ".join(sorted(path.stem for path in (HERE / folder).glob(pattern))) or "none"


def _warned(directive, message):
    log.warning(message, location=directive.get_location(), type="hybridbook", subtype=directive.name)
    return []


def open_num(translator, node):
    address = {"title": f"computed: {node['address']}", "data-num": node["address"]}
    translator.body.append(translator.starttag(node, "span", "", **address))


def close_num(translator, node):
    translator.body.append("</span>")


def open_calculator(translator, node):
    translator.body.append(translator.starttag(node, "section", CLASS="calculator", **{
        "data-calculator": node["name"], "aria-label": node["label"]}))
    translator.body.append('<div class="calculator-default">')


def close_calculator(translator, node):
    # "</" inside a string would end the script element.
    data = json.dumps(node["data"], ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
    translator.body.append('</div><script type="application/json" class="calculator-data">'
                           f"{data}</script></section>")


def plain(translator, node):
    """Other builders show the text alone."""


# A browser does not let a page on disk read its neighbours: there, search lists pages without excerpts.
FROM_DISK = 'if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;'


def scripts_of_page(app, pagename, templatename, context, doctree):
    """Add the script of each calculator to the pages that use it, and to no other."""
    if pagename == "search":
        app.add_js_file(None, body=FROM_DISK)
    for name in sorted({node["name"] for node in doctree.findall(calculator)} if doctree else ()):
        target = Path(app.outdir, "_static", "calculators", f"{name}.js")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(HERE / "calculators" / target.name, target)
        app.add_js_file(f"calculators/{name}.js", loading_method="defer")


def offer_exercises(app, pagename, templatename, context, doctree):
    """Beside a lab with its solutions, the download button offers the notebook without them."""
    exercise = Path(app.srcdir, "labs", "exercises", f"{Path(pagename).name.partition('_')[0]}.ipynb")
    if not pagename.startswith("labs/") or not exercise.exists():
        return
    target = Path(app.outdir, "_sources", "labs", "exercises", exercise.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(exercise, target)
    for group in context.get("header_buttons", ()):
        if group.get("label") == "download-buttons":
            for button in group["buttons"]:
                if button["text"] == ".ipynb":
                    button.update(text="With solutions (.ipynb)", tooltip="Download the lab with its solutions")
            group["buttons"].insert(0, {
                "type": "link", "url": f"{context['pathto']('_sources', 1)}/labs/exercises/{exercise.name}",
                "text": "To work on (.ipynb)", "tooltip": "Download the lab without its solutions",
                "icon": "fas fa-pencil-alt", "label": "download-exercises-button"})


WORDY = {"words": 14, "sentences": 80}  # a cell of more characters beside numbers is not squeezed on a phone


def mark_words(app, doctree, docname):
    for cell in doctree.findall(nodes.entry):
        length = len(cell.astext()) - sum(len(number.astext()) for number in cell.findall(num))
        cell["classes"] += [name for name, least in WORDY.items() if length > least]


SCRIPT = re.compile(r"<script\b[^>]*>.*?</script>\s*", re.S)
LINK = re.compile(r"<link\b[^>]*>\s*")
OUTSIDE = re.compile(r"""\b(?:src|href)=["']?(?:https?:)?//""")
UNUSED = ("thebe", "THEBE")


def alone(html):
    """A page that asks no other host for anything and runs each script once.

    >>> alone('<script>let a</script><script>let a</script><link href="https://fonts.example/x.css">')
    '<script>let a</script>'
    """
    seen = set()

    def keep(match):
        tag = match.group()
        head = tag[:tag.index(">") + 1]
        data = "application/json" in head
        drop = OUTSIDE.search(head) or not data and (tag in seen or any(word in tag for word in UNUSED))
        seen.add(tag)
        return "" if drop else tag

    def wanted(match):
        tag = match.group()
        return "" if OUTSIDE.search(tag) or any(word in tag for word in UNUSED) else tag

    return LINK.sub(wanted, SCRIPT.sub(keep, html))


EMPTY_HEADER = re.compile(r"<th\b([^>]*)>(?:\s|<p></p>)*</th>")
FOLDED = {"code cell content": "the solution", "code cell source": "the code"}  # hide-cell, hide-input


def told(html):
    """A page that a screen reader can follow: an empty corner heads nothing, a list of sources has items, and a
    fold says what it hides.

    >>> told('<th class="head"><p></p></th><div role="doc-biblioentry">')
    '<td class="head"></td><div role="listitem">'
    >>> told("<p>Show code cell content</p>")
    '<p>Show the solution</p>'
    """
    for builder, ours in FOLDED.items():
        html = html.replace(f">Show {builder}<", f">Show {ours}<").replace(f">Hide {builder}<", f">Hide {ours}<")
    html = html.replace('<summary aria-label="Toggle hidden content">', "<summary>")
    return EMPTY_HEADER.sub(r"<td\1></td>", html).replace('role="doc-biblioentry"', 'role="listitem"')


def clean_site(app, error):
    if error or app.builder.format != "html":
        return
    for path in Path(app.outdir).rglob("*.html"):
        if "_static" not in path.relative_to(app.outdir).parts:
            page = path.read_text(encoding="utf-8")
            path.write_text(told(alone(page)), encoding="utf-8")


def settle(app, config):
    config.html_static_path.append(str(HERE / "static"))


def setup(app):
    others = {builder: (plain, plain) for builder in ("latex", "text", "man", "texinfo")}
    app.add_node(num, html=(open_num, close_num), **others)
    app.add_node(calculator, html=(open_calculator, close_calculator), **others)
    app.add_role("num", Num())
    app.add_directive("diagram", Diagram)
    app.add_directive("calculator", Calculator)
    app.add_directive("viewer", Viewer)
    app.add_css_file("hybridbook.css")
    app.connect("config-inited", settle)
    app.connect("doctree-resolved", mark_words)
    app.connect("html-page-context", scripts_of_page)
    app.connect("html-page-context", offer_exercises, priority=600)  # the theme makes its buttons at 501
    app.connect("build-finished", clean_site)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
