"""Typical answers to exercise 3 of lab 05."""


def both(outcomes):
    count = {name: outcomes.count(name) for name in ("right", "wrong", "invented", "omitted", "abstained")}
    given = count["right"] + count["wrong"] + count["invented"]
    true = count["right"] + count["wrong"] + count["omitted"] + count["abstained"]
    return count["right"] / given if given else None, count["right"] / true if true else None


def accuracy_twice(outcomes):
    right = sum(name in ("right", "absent") for name in outcomes) / len(outcomes)
    return right, right


def invented_forgotten(outcomes):
    right, wrong = outcomes.count("right"), outcomes.count("wrong")
    true = right + wrong + outcomes.count("omitted") + outcomes.count("abstained")
    return (right / (right + wrong) if right + wrong else None), right / true


def silence_is_wrong(outcomes):
    right = outcomes.count("right")
    others = len(outcomes) - outcomes.count("absent")
    true = others - outcomes.count("invented")
    return right / others, right / true


def silence_is_free(outcomes):
    right, wrong, invented = (outcomes.count(name) for name in ("right", "wrong", "invented"))
    given = right + wrong + invented
    return (right / given if given else None), (right / (right + wrong) if right + wrong else None)


def absent_is_right(outcomes):
    right = outcomes.count("right") + outcomes.count("absent")
    given = right + outcomes.count("wrong") + outcomes.count("invented")
    true = right + outcomes.count("wrong") + outcomes.count("omitted") + outcomes.count("abstained")
    return right / given if given else None, right / true


def zero_for_nothing(outcomes):
    precision, recall = both(outcomes)
    return precision or 0.0, recall or 0.0


def no_guard(outcomes):
    right, wrong, invented = (outcomes.count(name) for name in ("right", "wrong", "invented"))
    return right / (right + wrong + invented), right / (right + wrong + outcomes.count("omitted")
                                                        + outcomes.count("abstained"))


def recall_unguarded(outcomes):
    return both(outcomes)[0], no_guard([*outcomes, "invented"])[1]


def recall_of_nothing(outcomes):
    precision, recall = both(outcomes)
    return precision, recall or 0.0


RIGHT = [both]
WRONG = [
    (accuracy_twice, "An invented value"),
    (invented_forgotten, "precision is 6 / 10"),
    (silence_is_wrong, "none was given"),
    (silence_is_free, "one was missed"),
    (absent_is_right, "looks perfect"),
    (zero_for_nothing, "no precision"),
    (no_guard, "divide by zero"),
    (recall_unguarded, "divide by zero"),
    (recall_of_nothing, "no recall"),
    (0.75, "function"),
]
