"""The extraction viewer in Python: the marks and the table of ``viewer.js``, and the page without JavaScript.

The data are those of ``data/viewer.json``. A view is one extractor, the hybrid, the hybrid in an outage, or
"all": the three readers side by side.
"""

import re
from html import escape
from itertools import pairwise

LETTERS = {"rules": "R", "tagger": "T", "llm": "M"}
HEADS = ["Field", "Value", "Found by", "Confidence", "Quote", "Proved", "Verdict", "Remark"]
# A verdict that catches the eye, in the columns that hold one.
OFF = re.compile("wrong|invented|omitted")
NO_VERDICT = {*HEADS, "Gold"} - {"Verdict"}
# Whose spans are filled; a single reader's are only underlined.
FILLED = {"all": "hybrid", "hybrid": "hybrid", "outage": "outage"}


# ---- the text


def marks(record, view):
    """(start, end, field) -> reader -> confidence, in order."""
    placed = {}
    for name in LETTERS if view == "all" else [view]:
        for line in record["views"][name]:
            for start, end in line["spans"]:
                readers = placed.setdefault((start, end, line["field"]), {})
                readers |= dict.fromkeys(line["source"].split("+"), line["confidence"])
    return dict(sorted(placed.items()))


def pieces(record, view):
    """The text in pieces: (text, reader -> confidence, filled, labels of the marks that end here)."""
    placed, text = marks(record, view), record["text"]
    filled = {tuple(span) for line in record["views"].get(FILLED.get(view), []) for span in line["spans"]}
    cuts = sorted({0, len(text)} | {place for start, end, _ in placed for place in (start, end)})
    for start, end in pairwise(cuts):
        over = [readers for (a, b, _), readers in placed.items() if a <= start and end <= b]
        lines = {one: max(readers[one] for readers in over if one in readers)
                 for one in LETTERS if any(one in readers for readers in over)}
        labels = [label(field, readers) for (_, b, field), readers in placed.items() if b == end]
        yield text[start:end], lines, any(a <= start and end <= b for a, b in filled), labels


def label(field, readers):
    """What stands behind a mark.

    >>> label("date", {"rules": 0.9, "tagger": 0.4, "llm": 0.9})
    'date RM 0.90 T 0.40'
    """
    letters = {}
    for one in LETTERS:
        if one in readers:
            letters[readers[one]] = letters.get(readers[one], "") + LETTERS[one]
    return " ".join([field, *(f"{who} {sure:.2f}" for sure, who in letters.items())])


# ---- the table


def table(record, view, data):
    """Heads, and a list of cells a field."""
    views, short = record["views"], data["short"]
    if view == "all":
        names = [*LETTERS, "hybrid"]
        heads = ["Field", "Gold", *(short[name] for name in LETTERS), "hybrid"]
        return heads, [[one["field"], one["gold"], *(compared(views[name][i]) for name in names)]
                       for i, one in enumerate(views["hybrid"])]
    return HEADS, [cells(line, record["text"], short) for line in views[view]]


def compared(line):
    """A cell of the view "all"."""
    told = [sureness(line), *(line["outcomes"] or ["not scored"])]
    return f"{line['value']} ({', '.join(filter(None, told))})"


def sureness(line):
    return "" if line["confidence"] is None else f"{line['confidence']:.2f}"


def cells(line, text, short):
    source = ", ".join(short[one] for one in line["source"].split("+") if one)
    quote = " \u2026 ".join(f"\u201c{text[start:end]}\u201d" for start, end in line["spans"])
    remark = ": ".join(filter(None, [line["tag"], line["remark"]]))
    proved, verdict = line["proved"], line["verdict"]
    return [line["field"], line["value"], source, sureness(line), quote, proved, verdict, remark]


# ---- the page without JavaScript


def body(data):
    """All records, the first unfolded, as HTML without a blank line."""
    (data,) = data.values()
    records = [shown(record, data, i == 0) for i, record in enumerate(data["records"])]
    letters = ", ".join(f"{letter} {data['short'][name]}" for name, letter in LETTERS.items())
    key = f"Behind a mark stand its field, who found it ({letters}) and the confidence."
    return "\n".join([f"<p>{safe(data['selection'])} {safe(key)}</p>", *records])


def shown(record, data, first):
    case = data["cases"][record["case"]]
    view = "hybrid" if case["opens"] == "all" else case["opens"]
    title = f"{data['titles'][record['source']]}, row {record['row']}: {case['title']}"
    text = "".join(marked(*piece) for piece in pieces(record, view))
    return (f'<details class="viewer-record"{" open" * first}><summary>{safe(title)}</summary>'
            f'<p>{safe(case["shows"])} {safe(record["note"])} Read by: {safe(data["views"][view])}.</p>'
            f'<p class="viewer-text">{text}</p>{tabled(*table(record, view, data))}'
            f'<p class="viewer-credit">{safe(record["credit"])}</p></details>')


def marked(text, lines, filled, labels):
    inner = safe(text)
    for one, sure in lines.items():
        inner = f'<span class="line-{one}" style="--sure:{sure}">{inner}</span>'
    if lines:
        inner = f'<mark{" class=filled" * filled}>{inner}</mark>'
    return inner + "".join(f"<sub>{safe(one)}</sub>" for one in labels)


def tabled(heads, rows):
    head = "".join(f'<th scope="col">{safe(one)}</th>' for one in heads)
    lines = "".join(f'<tr><th scope="row">{safe(field)}</th>{"".join(map(celled, heads[1:], values))}</tr>'
                    for field, *values in rows)
    return f'<table class="viewer-table"><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>'


def celled(head, text):
    off = ' class="off"' if head not in NO_VERDICT and OFF.search(text) else ""
    return f'<td data-head="{safe(head)}"{off}>{safe(text)}</td>'


def safe(text):
    """HTML that shows the text, on one line.

    >>> safe("a < b\\n\\nc")
    'a &lt; b&#10;&#10;c'
    """
    return escape(text).replace("\r", "&#13;").replace("\n", "&#10;")
