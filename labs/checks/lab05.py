"""Checks of lab 05."""

import re

from hybridlab import check
from hybridlab.fields import Found
from hybridlab.tiers import ABSTAIN

TEXT = "A Laptop  (Dell)\nwith files of 3,800 patients was lost. The laptop (Dell) was old."


def check_05_1(place):
    """Where a quote stands, whatever its case and spaces."""
    check.that(callable(place), "`place` is a function of a quote and a text.")
    nowhere = "A quote that is not there has no place: return None, not -1"
    try:
        missing = place("a server", TEXT)
    except (ValueError, AttributeError) as error:
        raise check.NotYet(f"{nowhere}, and do not stop ({error}).") from error
    check.that(missing is None, f"{nowhere}.")
    found = place("A Laptop", TEXT)
    check.that(isinstance(found, tuple) and len(found) == 2, "Return a pair: start and end.")
    check.that(TEXT[slice(*found)] == "A Laptop", "`text[start:end]` must be the quote: the end is one past its last character.")
    check.that(place("a LAPTOP", TEXT) == found, "Case does not matter: LAPTOP is Laptop.")
    try:
        bracket = place("laptop (dell) with files", TEXT)
    except re.error as error:
        raise check.NotYet(f"A bracket in a quote stops it ({error}): escape what you build a pattern of.") from error
    check.that(bracket is not None,
               "Two spaces or a line break in the text stand for one space in the quote. And ( is a plain character here: escape it.")
    check.that(TEXT[slice(*bracket)] == "Laptop  (Dell)\nwith files",
               "The offsets must lead back into the text as it is, not into a tidied copy of it.")
    check.that(place("laptop (dell)", TEXT) == (2, 16), "It stands there twice: return the first place.")
    check.right("an offset into the original text is what a reviewer can be shown.")


def check_05_2(carries):
    """Whether a stretch of text carries a number."""
    check.that(callable(carries), "`carries` is a function of a number and a stretch of text.")
    check.that(carries(3800, "about 3,800 individuals"), "3,800 is 3800: take the commas out of the written number.")
    check.that(carries(3800, "3800 individuals"), "A number without a comma counts too.")
    check.that(not carries(3800, "38,000 individuals"), "38,000 holds the digits 3800 and is another number.")
    check.that(not carries(800, "3,800 individuals"), "3,800 ends in 800 and is another number: the comma is inside it.")
    check.that(carries(3800, "on May 4, 3,800 patients"), "Look at every number of the stretch, not at the first only.")
    check.that(carries(3800, "files of 3,800, all lost"), "A comma that is followed by a space ends the number.")
    check.that(carries(3800, "we counted 3,800."), "A full stop ends the sentence, not the number.")
    check.that(not carries(12, "no number at all"), "Without a number nothing is carried: return False.")
    check.right("a quote that exists and does not say the value is the commonest false proof.")


def check_05_3(rates):
    """Precision and recall from what became of each value."""
    check.that(callable(rates), "`rates` is a function of a list of outcomes.")
    base = ["right"] * 6 + ["wrong"] * 2
    found = rates(base)
    check.that(isinstance(found, tuple) and len(found) == 2, "Return a pair: precision and recall.")
    check.that(found == (0.75, 0.75), "6 right and 2 wrong: both are 6 / 8. A wrong value spoils precision and recall alike.")
    check.that(rates([*base, "invented", "invented"])[0] == 0.6, "An invented value was given and is not right: precision is 6 / 10.")
    check.that(rates([*base, "invented", "invented"])[1] == 0.75, "An invented value has no gold value to miss: recall stays 6 / 8.")
    for missing in ("omitted", "abstained"):
        precision, recall = rates([*base, missing, missing])
        check.that(precision == 0.75, f"Where a value was {missing}, none was given: precision stays 6 / 8.")
        check.that(recall == 0.6, f"Where a value was {missing}, one was missed: recall is 6 / 10.")
    check.that(rates([*base, *["absent"] * 90]) == (0.75, 0.75),
               "`absent` is a field rightly left empty. Count it, and a record of empty fields looks perfect.")
    check.that(_of_nothing(rates, "omitted")[0] is None, "No value given: there is no precision. Return None rather than 0 or 1.")
    check.that(_of_nothing(rates, "invented")[1] is None, "No gold value: there is no recall. Return None rather than 0 or 1.")
    check.right("silence costs recall, invention costs precision; one number for both hides which.")


def _of_nothing(rates, outcome):
    try:
        return rates([outcome])
    except ZeroDivisionError as error:
        raise check.NotYet(f"With nothing but one `{outcome}` you divide by zero: there is nothing to take a share of. "
                           "Return None for that rate.") from error


def check_05_4(merge):
    """Two answers for one field: value and tag."""
    check.that(callable(merge), "`merge` is a function of two `Found`: the first choice and the second.")
    rules, same, other = (Found(value, source) for value, source in ((3800, "rules"), (3800, "llm"), (38, "llm")))
    late, silent = Found(ABSTAIN, "llm", reason="timeout"), Found(ABSTAIN, "rules", reason="no_rule")
    check.that(merge(rules, same) == (3800, "agreed"), "Both say 3800: (3800, 'agreed').")
    check.that(merge(rules, other)[0] == 3800, "They differ: the first choice stands, it was chosen on development rows.")
    check.that(merge(rules, other)[1] == "conflict", "They differ, so somebody should look: the tag is 'conflict'. A silent choice hides it.")
    check.that(merge(late, rules) == (3800, "fallback"), "The first choice timed out: the second answers, tagged 'fallback'.")
    for reason in ("unreachable", "unsupported"):
        failed = Found(ABSTAIN, "llm", reason=reason)
        check.that(merge(failed, rules) == (3800, "fallback"),
                   f"`{reason}` is a failure too: every reason among FAILED is, not the time-out alone.")
    check.that(merge(silent, same) == (3800, ""), "The rules simply had nothing to say, which is no failure: no tag.")
    check.that(merge(rules, late) == (3800, ""), "The first answered and the second failed: the first stands, without a tag.")
    check.that(merge(Found(None, "llm"), rules) == (None, "conflict"),
               "None is an answer: *the text does not say*. Against 3800 that is a conflict, not a gap to be filled.")
    check.that(merge(late, silent) == (ABSTAIN, ""), "Nobody answered: keep the abstention of the first, without a tag.")
    check.right("agreement, conflict, gap and outage are four things; a reviewer needs to know which.")
