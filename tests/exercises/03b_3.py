"""Typical answers to exercise 3 of lab 03b."""

from collections import Counter


def latest_of_the_best(labels, confidences):
    votes = {}
    for label, confidence in zip(labels, confidences):
        if label != "<abstain>":
            votes[label] = votes.pop(label, 0) + confidence
    return max(reversed(votes), key=votes.get, default="<abstain>")


def sorted_by_votes_and_place(labels, confidences):
    found = {}
    for place, (label, confidence) in enumerate(zip(labels, confidences)):
        if label != "<abstain>":
            found[label] = (found.get(label, (0, 0))[0] + confidence, place)
    return max(found, key=found.get) if found else "<abstain>"


def heads(labels, confidences):
    return Counter(label for label in labels if label != "<abstain>").most_common(1)[0][0]


def loudest(labels, confidences):
    return max(zip(confidences, labels))[1]


def silence_counts(labels, confidences):
    votes = Counter()
    for label, confidence in zip(labels, confidences):
        votes[label] += confidence
    return votes.most_common(1)[0][0]


def a_default(labels, confidences):
    return latest_of_the_best(labels, confidences).replace("<abstain>", "other")


def an_error(labels, confidences):
    votes = Counter()
    for label, confidence in zip(labels, confidences):
        if label != "<abstain>":
            votes[label] += confidence
    return max(votes, key=votes.get)


def first_wins(labels, confidences):
    votes = {}
    for label, confidence in zip(labels, confidences):
        if label != "<abstain>":
            votes[label] = votes.get(label, 0) + confidence
    return max(votes, key=votes.get, default="<abstain>")


def by_the_alphabet(labels, confidences):
    votes = {}
    for label, confidence in zip(labels, confidences):
        if label != "<abstain>":
            votes[label] = votes.get(label, 0) + confidence
    return max(votes, key=lambda label: (votes[label], label), default="<abstain>")


RIGHT = [latest_of_the_best, sorted_by_votes_and_place]
WRONG = [
    (heads, "heads are not counted"),
    (loudest, "loudest voter"),
    (silence_counts, "vote for silence"),
    (a_default, "'other'. There is no default"),
    (an_error, "an error (ValueError)"),
    (first_wins, "0.7 against 0.7"),
    (by_the_alphabet, "alphabet"),
    ("other", "function"),
]
