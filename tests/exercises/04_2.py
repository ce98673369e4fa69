"""Typical answers to exercise 2 of lab 04."""


def loop(budget, prompt, written, feedback):
    spent, turn = 0, 0
    while spent + prompt + turn * (written + feedback) <= budget:
        spent += prompt + turn * (written + feedback)
        turn += 1
    return turn - 1 if turn else None


def in_step(budget, prompt, written, feedback):
    return budget // prompt - 1 if budget >= prompt else None


def each_alone(budget, prompt, written, feedback):
    return (budget - prompt) // (written + feedback) if budget >= prompt else None


def with_the_first(budget, prompt, written, feedback):
    repairs = loop(budget, prompt, written, feedback)
    return None if repairs is None else repairs + 1


def strictly_below(budget, prompt, written, feedback):
    return loop(budget - 1, prompt, written, feedback)


def never_none(budget, prompt, written, feedback):
    return loop(budget, prompt, written, feedback) or 0


def without_feedback(budget, prompt, written, feedback):
    return loop(budget, prompt, written, 0)


def without_reply(budget, prompt, written, feedback):
    return loop(budget, prompt, 0, feedback)


RIGHT = [loop]
WRONG = [
    (without_feedback, "The *feedback* stays"),
    (without_reply, "The *reply* that failed"),
    (in_step, "all that was said"),
    (each_alone, "Added up"),
    (with_the_first, "no repair"),
    (strictly_below, "<="),
    (never_none, "None"),
]
