"""The gate over quizzes: a reader who knows nothing must not do well by habit, and every option says why.

A quiz is a question, a paragraph in bold, and right below it three or more options:

    <details class="quiz"><summary>an option</summary>
    <p>Why it is wrong. That of the right one begins with "Right."</p></details>

One option is right, unless the question says "Two answers are right". A number in an option or its reason
stands in the question too, or is bound behind it like in a lab: to a result,
``0.84<!--=lab01a:reviews.llm15.acc-->``, or to a sum of the question's numbers, ``800<!--=1,000 - 400 / 2-->``.

``data/quizzes.txt`` has a line for each quiz as somebody read it last, so that no letter of it changes by itself.
"""

import ast
import hashlib
import json
import operator
import os
import re
from collections import Counter
from dataclasses import dataclass, field
from unittest import mock

from scipy.stats import binom

from . import prose
from .labs import markdown

READ = "data/quizzes.txt"
LEAST_OPTIONS, LEAST_WORDS = 3, 4
OPENING = re.compile(r'<details\b[^>]*\bclass="quiz"')
OPTION = re.compile(r'<details class="quiz">\s*<summary>((?:(?!<details).)*?)</summary>\s*'
                    r"<p>((?:(?!<details).)*?)</p>\s*</details>", re.S)
BOLD = re.compile(r"\*\*.+\*\*", re.S)
STATED = re.compile(r"\b(two|three|four) (?:answers|options) are right\b", re.I)
WORDS = {"two": 2, "three": 3, "four": 4}
TAG = re.compile(r"<(?!!--)[^>]*>")
COMMENT = re.compile(r"<!--.*?-->", re.S)
SOURCE = re.compile(r'href="http')
SUM = re.compile(r"[\d.,+*/() -]+")
TERM = re.compile(r"\d[\d,]*(?:\.\d+)?|\.\d+")
OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}
FORM = '<details class="quiz"><summary>option</summary>\\n<p>Reason.</p></details>'


@dataclass
class Quiz:
    """A question with its options, each a pair of what it says and why it is right or wrong."""

    where: str
    question: str
    options: list = field(default_factory=list)

    @property
    def right(self):
        """Positions of the right options, from 0."""
        return [place for place, (_, why) in enumerate(self.options) if why.startswith("Right.")]

    @property
    def lengths(self):
        """Letters that a reader sees of each option."""
        return [len(shown(says)) for says, _ in self.options]

    @property
    def line(self):
        """Its line in ``data/quizzes.txt``: a digest of every word, and the page or cell. Lines may be broken anew."""
        words = [" ".join(part.split()) for part in (self.question, *(part for both in self.options for part in both))]
        digest = hashlib.sha256(json.dumps(words, ensure_ascii=False).encode()).hexdigest()
        return f"{digest} {re.sub(r':[0-9]+$', '', self.where)}"


def gate_quizzes(root):
    """A quiz teaches: one right answer, a reason for each, no tell in place or length, numbers bound, all read."""
    found, problems = [], []
    with mock.patch.dict(os.environ, HYBRIDLAB_DATA=str(root / "data")):
        for where, text in markdown(root):
            problems += [f"{where}{line}: an option that is no whole one; write {FORM}"
                         for line in broken(text, where)]
            page = list(quizzes(text, where))
            problems += [f"{quiz.where}: {problem}" for quiz in page for problem in quiz_problems(quiz)]
            problems += habit_problems(where, page, is_course=False)
            found += page
    return [*problems, *habit_problems("the course", found, is_course=True), *unread(root, found)]


def everywhere(root):
    """The quizzes of the course."""
    return [quiz for where, text in markdown(root) for quiz in quizzes(text, where)]


def as_read(found):
    """The text of ``data/quizzes.txt`` for these quizzes."""
    return "".join(f"{quiz.line}\n" for quiz in found)


def unread(root, found):
    """One line for each quiz that is not as it was read last."""
    path = root / READ
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    left, changed = Counter(text.splitlines()), []
    for quiz in found:
        if left[quiz.line]:
            left[quiz.line] -= 1
        else:
            changed.append(f"{quiz.where}: this quiz has changed since it was last read "
                           f"({shown(quiz.question)[:40]!r}); if you meant it, read it once more against its "
                           "numbers and run `make sums`; if not, `git diff` shows what changed")
    if not changed and text != as_read(found):
        changed.append(f"{READ}: not as it is written, a line for each quiz in the order of the pages; run `make sums`")
    return changed


def quizzes(text, where):
    """The quizzes of a page; options with nothing between them belong together."""
    quiz, end = None, 0
    for option in OPTION.finditer(text):
        between = text[end:option.start()].strip()
        if between or quiz is None:
            if quiz:
                yield quiz
            quiz = Quiz(where + line_of(text, option.start(), where), between.rpartition("\n\n")[2])
        quiz.options.append((option[1].strip(), option[2].strip()))
        end = option.end()
    if quiz:
        yield quiz


def line_of(text, position, where):
    """``:12`` for a page; a cell of a lab is its own place."""
    return f":{text.count(chr(10), 0, position) + 1}" if where.endswith(".md") else ""


def broken(text, where):
    """Lines of the options that do not read as one."""
    whole = {option.start() for option in OPTION.finditer(text)}
    starts = (found.start() for found in OPENING.finditer(text))
    return [line_of(text, start, where) for start in starts if start not in whole]


def shown(html):
    """The text that a reader sees.

    >>> shown("at <code>0.9</code><!--=lab00:x--> &amp; more")
    'at 0.9 & more'
    """
    return TAG.sub("", COMMENT.sub("", html)).replace("&amp;", "&")


def quiz_problems(quiz):
    """What is wrong with one quiz."""
    if not BOLD.fullmatch(quiz.question):
        yield f"no question right above ({quiz.question[:40]!r}); write it as one paragraph in bold"
    if len(quiz.options) < LEAST_OPTIONS:
        yield f"{len(quiz.options)} options; give {LEAST_OPTIONS} or more, each a mistake that somebody makes"
    stated = STATED.search(quiz.question)
    wanted = WORDS[stated[1].lower()] if stated else 1
    if len(quiz.right) != wanted:
        yield (f"{len(quiz.right)} right answers, not {wanted}; begin the reason of the right one, and of no "
               'other, with "Right.", or write "Two answers are right" into the question')
    for name, parts in zip(("option", "reason"), zip(*quiz.options)):
        for twice in sorted({part for part in parts if parts.count(part) > 1}):
            yield f"the {name} {twice[:40]!r} is there twice; each needs its own"
    for place, (says, why) in enumerate(quiz.options, 1):
        yield from (f"option {place}: {found}" for found in option_problems(says, why))
        for part in (says, why):
            yield from (f"option {place}: {found}" for found in number_problems(part, quiz.question))


def option_problems(says, why):
    """What is wrong with the words of one option."""
    if not shown(says).strip():
        yield "says nothing; write the mistake as somebody would say it"
    if len(shown(why).removeprefix("Right.").split()) < LEAST_WORDS:
        yield f"the reason {why[:40]!r} says too little; say why, right answers too"
    if re.match(r"Right\b(?!\.)", why):
        yield f"the reason {why[:20]!r} sounds right; begin with another word, or with \"Right.\" if it is"


def number_problems(part, question):
    """Whether each number of an option or a reason stands in its question, or is bound or cited."""
    known = set(terms(question))
    for found in prose.NUMBER.finditer(prose.NO_CLAIM.sub(prose.HIDDEN, TAG.sub("", part))):
        address = (found["address"] or "").strip()
        if SUM.fullmatch(address):
            yield from sum_problems(found["number"], address, known)
        elif address:
            yield from prose.binding_problems(found)
        elif SOURCE.search(part):
            continue
        elif (term := terms(found["number"])[0]) in known:
            yield from (f"{term} is one digit from {one} of the question, so a slip would pass; "
                        f"write {term}<!--={term}-->" for one in known if apart(one, term) == 1)
        else:
            yield (f"{found.group().strip()!r} is not in its question and bound to nothing; write it into the "
                   "question, or behind it <!--=lab00:address--> or a sum such as <!--=1,000 - 400 / 2-->, or "
                   "cite its source")


def apart(one, other):
    """How many digits differ between two numbers of the same length.

    >>> apart("85", "88"), apart("85", "851")
    (1, None)
    """
    return sum(a != b for a, b in zip(one, other)) if len(one) == len(other) else None


def terms(text):
    """Numbers of a text, without their commas."""
    return [term.replace(",", "") for term in TERM.findall(text)]


def sum_problems(printed, written, known):
    """Whether a number is the sum that stands behind it, and the sum is made of the question's numbers."""
    try:
        value = reckon(written)
    except (SyntaxError, KeyError, AttributeError, ZeroDivisionError):
        yield f"{written!r} is no sum; write numbers with + - * / between them"
        return
    if not prose.agrees(value, printed):
        yield (f"{printed} is bound to {written}, which is {value:.6g}; write that, rounded: "
               f"{prose.rounded(value, printed)}")
    for term in terms(written):
        if len(term) > 1 and term not in known:
            yield f"{term} of the sum {written} is not in the question; take the question's numbers"


def reckon(written):
    """The value of a sum.

    >>> reckon("1,000 - 400 / 2")
    800.0
    """
    def value(node):
        if isinstance(node, ast.Constant):
            return node.value
        return OPERATORS[type(node.op)](value(node.left), value(node.right))

    return value(ast.parse(written.replace(",", ""), mode="eval").body)


def habit_problems(where, asked, is_course):
    """One line for each habit, such as "always the first", that finds more right answers than luck would.

    The most is the 95 % quantile of a binomial of pure luck. Over the course there is a least as well, the
    5 % quantile: a longest option that is never right can be struck out unread.
    """
    asked = [quiz for quiz in asked if len(quiz.right) == 1]
    if not asked:
        return
    luck = sum(1 / len(quiz.options) for quiz in asked) / len(asked)
    least, most = (int(binom.ppf(share, len(asked), luck)) for share in (0.05, 0.95))
    for habit, takes in HABITS.items():
        hits = [quiz for quiz in asked if takes(quiz) == quiz.right[0]]
        if len(hits) > most:
            yield (f"{where}: the right answer is {habit} in {len(hits)} of {len(asked)} quizzes, luck gives "
                   f"at most {most}; {FIXES[habit]} in {len(hits) - most} of {places(hits)}")
        elif is_course and len(hits) < least:
            yield (f"{where}: the right answer is {habit} in {len(hits)} of {len(asked)} quizzes, luck gives "
                   f"at least {least}; make it {habit} in {least - len(hits)} more")


def places(hits):
    """Where to look, without the folder, the first eight."""
    names = [quiz.where.removeprefix("chapters/") for quiz in hits]
    return ", ".join(names[:8]) + (" ..." if len(names) > 8 else "")


def extreme(best):
    """A habit that takes the option with the extreme length, when it is the only one."""
    def takes(quiz):
        at = best(quiz.lengths)
        return quiz.lengths.index(at) if quiz.lengths.count(at) == 1 else None
    return takes


PLACES = {"the first": 0, "the second": 1, "the third": 2, "the fourth": 3}
HABITS = {name: (lambda quiz, place=place: place) for name, place in PLACES.items()} | {
    "the longest": extreme(max), "the shortest": extreme(min)}
FIXES = dict.fromkeys(PLACES, "move it") | {
    "the longest": "shorten it, or lengthen another option,",
    "the shortest": "lengthen it, or shorten another option,"}
