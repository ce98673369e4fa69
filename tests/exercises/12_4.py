"""Typical answers to exercise 4 of lab 12."""


def plain(text):
    return " ".join(text.lower().split())


def right(train, test):
    seen = set(map(plain, train))
    return sum(plain(text) in seen for text in test) / len(test)


def exact(train, test):
    return sum(text in train for text in test) / len(test)


def count(train, test):
    return right(train, test) * len(test)


def distinct(train, test):
    once = set(map(plain, test))
    return len(once & set(map(plain, train))) / len(once)


def capitals_only(train, test):
    seen = {text.lower() for text in train}
    return sum(text.lower().strip() in seen for text in test) / len(test)


def letters_only(train, test):
    def bare(text):
        return "".join(letter for letter in text.lower() if letter.isalpha())

    seen = set(map(bare, train))
    return sum(bare(text) in seen for text in test) / len(test)


RIGHT = [right]
WRONG = [
    (exact, "one form"),
    (count, "count"),
    (distinct, "two leaked rows"),
    (capitals_only, "white space"),
    (letters_only, "punctuation"),
]
