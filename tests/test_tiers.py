"""Tiers: the estimator suite that check_estimator cannot give text estimators, and replies of every bad kind."""

import itertools
import pickle

import numpy as np
import httpx2
import openai
import pandas as pd
import pytest
from joblib.externals.loky import get_reusable_executor
from scripted import Peer, reply
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from hybridlab import datasets, recordings
from hybridlab.errors import BadInput, DataMissing, MissingRecording
from hybridlab.llm import connect
from hybridlab.tiers import ABSTAIN, COLUMNS, LLM, REASONS, TOKENS, Classifier, Human, Prompt, Rules

PROMPT = Prompt("One word: positive, mixed or negative.", "Review: {text}\nLabel:",
                {"positive": "great", "mixed": "other", "negative": "other"}, task="demo")
WORDS = ("tea", "coffee", "bread", "honey", "salt", "jam")
TEXTS = [f"{mood} {word}" for word in WORDS for mood in ("lovely", "awful")]
LABELS = ["great", "other"] * len(WORDS)
WORD_MODEL = make_pipeline(TfidfVectorizer(), LogisticRegression())


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    """Empty recordings, no endpoint, replay unless a test says otherwise."""
    monkeypatch.setenv("HYBRIDLAB_DATA", str(tmp_path))
    monkeypatch.setattr(recordings, "LOCAL", tmp_path / "local")
    monkeypatch.setenv("HYBRIDLAB_MODE", "replay")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    (tmp_path / "machine.json").write_text('{"name": "test", "usd_per_hour": 0.1, "date": "2026-11-23"}')
    return tmp_path


def llm(*items, prompt=PROMPT, mode="live", faults=(), **settings):
    """An LLM tier whose live calls are answered by a script."""
    tier = LLM(prompt, **settings)
    tier.client = connect("demo", mode, upstream=Peer(*items), faults=faults)
    tier.client.seam.sleep = lambda seconds: None
    return tier


def recorded():
    """Record scripted replies for TEXTS, so that replay works in other processes too."""
    moods = {"lovely": (("positive", 0.7), ("mixed", 0.2)), "awful": (("negative", 0.6), ("positive", 0.3))}
    replies = [reply(moods[text.split()[0]][0][0], moods[text.split()[0]]) for text in TEXTS]
    llm(*replies, mode="record").answer(TEXTS)
    return LLM(PROMPT)


TIERS = {
    "rules": lambda: Rules([("lovely", "great"), ("awful", "other")]),
    "classifier": lambda: Classifier(make_pipeline(TfidfVectorizer(), LogisticRegression())),
    "llm": recorded,
}


@pytest.fixture(params=TIERS)
def tier(request):
    return TIERS[request.param]()


# ---- the estimator suite


def test_is_a_classifier(tier):
    assert is_classifier(tier)


def test_clone_keeps_the_settings(tier):
    fitted = tier.fit(TEXTS, LABELS)
    copy = clone(fitted)
    assert repr(copy) == repr(fitted) and not hasattr(copy, "classes_")


def test_pickle_after_an_answer(tier):
    fitted = tier.fit(TEXTS, LABELS)
    before = fitted.predict(TEXTS)
    assert (pickle.loads(pickle.dumps(fitted)).predict(TEXTS) == before).all()


def test_get_and_set_params(tier):
    changed = clone(tier).set_params(name="other name")
    assert changed.get_params()["name"] == "other name" != tier.get_params()["name"]
    assert set(changed.fit(TEXTS, LABELS).answer(TEXTS[:2])["tier"]) == {"other name"}


def test_the_settings_are_not_changed_by_fit_or_answer(tier):
    before = repr(tier.get_params())
    tier.fit(TEXTS, LABELS).answer(TEXTS)
    assert repr(tier.get_params()) == before


def test_refit_forgets(tier):
    swapped = ["other" if label == "great" else "great" for label in LABELS]
    twice = clone(tier).fit(TEXTS, swapped).fit(TEXTS, LABELS)
    once = clone(tier).fit(TEXTS, LABELS)
    np.testing.assert_array_equal(twice.predict_proba(TEXTS), once.predict_proba(TEXTS))


def test_frame_has_the_protocol_columns(tier):
    X = pd.Series(TEXTS, index=range(100, 100 + len(TEXTS)))
    frame = tier.fit(X, LABELS).answer(X)
    assert list(frame.columns[: len(COLUMNS)]) == COLUMNS
    assert list(frame.index) == list(X.index)
    assert frame["confidence"].between(0, 1).all() and set(frame["reason"]) <= set(REASONS)
    assert (frame["latency_s"].isna() | (frame["latency_s"] >= 0)).all()


def test_probabilities_are_probabilities(tier):
    proba = tier.fit(TEXTS, LABELS).predict_proba(TEXTS)
    assert proba.shape == (len(TEXTS), 2)
    np.testing.assert_allclose(proba.sum(axis=1), 1)


def test_a_data_frame_with_a_text_column_gives_the_same(tier):
    tier.fit(TEXTS, LABELS)
    table = pd.DataFrame({"n": 1, "text": TEXTS})
    assert (tier.predict(table) == tier.predict(TEXTS)).all()


def test_cross_val_score(tier):
    assert cross_val_score(tier, np.array(TEXTS, dtype=object), np.array(LABELS), cv=3).mean() > 0.9


@pytest.mark.parametrize("kind, grid", [
    ("classifier", {"threshold": [0.0, 0.99]}), ("llm", {"threshold": [0.0, 0.99]}), ("rules", {"name": ["a", "b"]})])
def test_grid_search_in_two_processes(kind, grid):
    get_reusable_executor().shutdown(wait=True)  # workers keep the environment they were born with
    search = GridSearchCV(TIERS[kind](), grid, cv=2, n_jobs=2).fit(np.array(TEXTS, dtype=object), np.array(LABELS))
    assert search.best_score_ > 0.9
    assert search.best_params_ == {name: values[0] for name, values in grid.items()}


@pytest.mark.parametrize("kind", ["classifier", "llm"])
def test_calibrated(kind):
    model = CalibratedClassifierCV(TIERS[kind](), cv=2, method="sigmoid")
    proba = model.fit(np.array(TEXTS, dtype=object), np.array(LABELS)).predict_proba(TEXTS)
    assert ((proba[:, 1] > 0.5) == (np.array(LABELS) == "other")).all()


# ---- the LLM tier and bad replies


def test_the_spellings_of_a_label_are_summed_and_mapped():
    top = (("Positive", 0.30), (" positive", 0.15), ("negative", 0.25), ("mixed", 0.24))
    frame = llm(reply("Positive", top)).answer(["tea"])
    # 0.45 for great, 0.49 for other: the single most likely word is not the most likely label.
    assert frame["label"].item() == "other"
    assert frame["p_great"].item() == pytest.approx(0.45 / 0.94, abs=1e-4)


BAD = {
    "empty": (reply("", top=(), logprobs=False), "no_logprobs"),
    "refusal": (reply("", refusal="I cannot help with that."), "refusal"),
    "other language": (reply("bueno", (("bueno", 0.7), ("positivo", 0.1))), "unparseable"),
    "two labels": (reply("positive/negative", (("either", 0.8), ("positive", 0.1))), "unparseable"),
    "label inside prose": (reply("I think it is positive", (("I", 0.9), ("positive", 0.05))), "unparseable"),
    "truncated JSON": (reply('{"label": "posi', (('{"', 0.95),)), "unparseable"),
    "wrong schema": (reply('{"sentiment": 1}', (("{", 0.9), ("positive", 0.02))), "unparseable"),
    "missing logprobs": (reply("positive", logprobs=False), "no_logprobs"),
    "too long": ((400, "the request exceeds the available context size"), "too_long"),
    "429": (429, "rate_limit"),
    "500": (500, "server_error"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_reply_is_an_abstention_with_a_reason(kind):
    item, reason = BAD[kind]
    frame = llm(item).answer(["tea", "coffee"])
    assert frame["label"].tolist() == [ABSTAIN] * 2
    assert frame["reason"].tolist() == [reason] * 2
    assert (llm(item).fit().predict(["tea"]) == ABSTAIN).all()


def test_a_time_out_is_an_abstention():
    frame = llm(faults=itertools.repeat("timeout")).answer(["tea"])
    assert frame[["label", "reason"]].values.tolist() == [[ABSTAIN, "timeout"]]


def test_beyond_the_spend_limit_the_rest_abstains_and_the_paid_answers_stay():
    tier = LLM(PROMPT, model="gpt-4o-mini")
    tier.client = connect("demo", "live", upstream=Peer(), limit_usd=1.2e-5)
    frame = tier.answer(["a", "b", "c", "d"])
    answered = int((frame["reason"] == "").sum())
    assert 1 <= answered < 4 and set(frame["reason"].iloc[answered:]) == {"budget"}
    assert frame["cost_usd"].iloc[:answered].sum() > 1.2e-5


def test_wrong_case_is_the_same_label():
    assert llm(reply("POSITIVE", (("POSITIVE", 0.9),))).answer(["tea"])["label"].item() == "great"


def test_one_bad_reply_does_not_cost_the_others():
    frame = llm(reply(), 500, 500, 500, reply()).answer(["a", "b", "c"])
    assert frame["reason"].tolist() == ["", "server_error", ""]


def test_below_the_threshold_the_tier_abstains_and_keeps_its_confidence():
    frame = llm(reply(), threshold=0.95).answer(["tea"])
    assert frame["reason"].item() == "low_confidence" and frame["confidence"].item() == pytest.approx(0.8 / 0.9, abs=1e-4)


def test_a_long_text_is_not_sent():
    tier = llm(reply(), max_chars=100)
    frame = tier.answer(["x" * 200])
    assert frame["reason"].item() == "too_long" and tier.client.seam.ledger.calls == 0


def test_a_wrong_key_and_a_missing_recording_are_raised():
    with pytest.raises(openai.AuthenticationError):
        llm(401).answer(["tea"])
    with pytest.raises(MissingRecording):
        LLM(PROMPT).answer(["tea"])


@pytest.mark.parametrize("bad, reason", [(400, "refused"), (404, "refused"), (422, "refused"),
                                         (httpx2.ConnectError("refused"), "unreachable"),
                                         (reply() | {"choices": []}, "server_error")])
def test_a_request_that_is_not_answered_costs_one_row(bad, reason):
    frame = llm(reply(), *[bad] * (3 if reason == "server_error" else 1), reply()).answer(["a", "b", "c"])
    assert frame["reason"].tolist() == ["", reason, ""] and reason in REASONS


def test_abstain_is_no_class():
    tier = llm(reply("bueno", (("bueno", 0.9),))).fit()
    assert ABSTAIN not in tier.classes_
    assert tier.predict_proba(["tea"]).tolist() == [[0.5, 0.5]]


def test_tokens_and_seconds_are_kept():
    frame = llm(reply(), model="gpt-4o-mini").answer(["tea"])
    assert frame[TOKENS].iloc[0].tolist() == [50, 26, 1]
    assert frame["latency_s"].item() > 0 and frame["cost_usd"].item() > 0


def test_empty_input_gives_an_empty_frame(tier):
    if not isinstance(tier, Classifier):
        assert len(tier.fit(TEXTS, LABELS).answer([])) == 0


def test_an_interrupted_batch_keeps_what_was_answered(store, capsys):
    script = Peer(reply(), reply(), KeyboardInterrupt())
    tier = LLM(PROMPT)
    tier.client = connect("demo", "auto", upstream=script)
    with pytest.raises(KeyboardInterrupt):
        tier.answer(TEXTS[:4])
    assert "4 live calls to qwen2.5-coder-1.5b" in capsys.readouterr().out
    rest = Peer()
    tier.client = connect("demo", "auto", upstream=rest)
    assert (tier.answer(TEXTS[:4])["reason"] == "").all()
    assert len(rest.requests) == 2


def test_a_replayed_batch_announces_nothing(capsys):
    recorded().answer(TEXTS)
    capsys.readouterr()
    LLM(PROMPT).answer(TEXTS)
    assert capsys.readouterr().out == ""


# ---- prompts, rules, people


def test_template_reads_table_columns():
    prompt = Prompt("s", "Phase: {phase}; speed: {speed}, height {height:.1f}", {"yes": "effect", "no": "none"})
    body = LLM(prompt).bodies(pd.DataFrame({"phase": ["Climb"], "speed": [140.0], "height": [500.0]}))[0]
    assert body["messages"][-1]["content"] == "Phase: Climb; speed: 140, height 500.0"


def test_braces_in_a_text_are_text():
    assert PROMPT.fill({"text": "{not a field}"}) == "Review: {not a field}\nLabel:"


def test_a_template_for_other_columns_is_an_error():
    with pytest.raises(BadInput, match="template needs"):
        LLM(Prompt("s", "{phase}", {"yes": "a"})).bodies(["tea"])


def test_unknown_prompt_lists_the_known(monkeypatch):
    monkeypatch.delenv("HYBRIDLAB_DATA")
    with pytest.raises(DataMissing, match="reviews.v1"):
        Prompt.load("reviews.v99")


@pytest.mark.parametrize("name", ["reviews.v3", "birds.v3"])
def test_examples_of_a_prompt_are_train_rows_with_their_own_label(name, monkeypatch):
    monkeypatch.delenv("HYBRIDLAB_DATA")
    import tomllib

    from hybridlab import paths

    spec = tomllib.loads(paths.data("prompts", f"{name}.toml").read_text())
    train = datasets.load(spec["task"], "train")
    for shot in spec["shots"]:
        assert train.loc[shot["row"], "label"] == spec["labels"][shot["answer"]]
    assert len(Prompt.load(name).messages({"text": "x"})) == 2 + 2 * len(spec["shots"])


@pytest.mark.parametrize("X", ["one string", [None], [3], pd.Series(["a", float("nan")])])
def test_what_is_not_a_list_of_texts_is_an_error(tier, X):
    with pytest.raises(BadInput):
        tier.fit(TEXTS, LABELS).answer(X)


def test_the_first_rule_that_matches_wins():
    frame = Rules([("tea", "a"), ("green", "b")]).answer(["green tea", "green", "red"])
    assert frame["label"].tolist() == ["a", "b", ABSTAIN]


@pytest.mark.parametrize("name", ["reviews", "birds", "columns"])
def test_committed_rules_answer_every_row_with_a_known_label(name, monkeypatch):
    monkeypatch.delenv("HYBRIDLAB_DATA")
    task = "reviews" if name == "reviews" else "birds"
    rows = datasets.load(task, "prompt")
    frame = Rules.load(name).answer(rows)
    assert set(frame["label"]) <= set(rows["label"])


def test_rules_may_hold_groups_and_a_broken_one_is_named(recwarn, monkeypatch):
    monkeypatch.delenv("HYBRIDLAB_DATA")
    assert Rules([("(tea|coffee)", "a")]).predict(["TEA"]).tolist() == ["a"] and not recwarn.list
    with pytest.raises(BadInput, match=r"'\(tea' is no regular expression"):
        Rules([("(tea", "a")]).answer(["tea"])
    with pytest.raises(DataMissing, match="birds, columns, reviews"):
        Rules.load("nothing")


@pytest.mark.parametrize("rules", [{"tea": "a"}, None, "tea", ["tea"], [("tea", "a", "b")]])
def test_rules_that_are_no_pairs_are_an_error(rules):
    with pytest.raises(BadInput, match=r"rules is (.|\n)*list of pairs \(pattern, label\)"):
        Rules(rules).answer(["tea"])
    with pytest.raises(BadInput, match="rules is "):
        Rules(rules).fit(["tea"], ["a"])


@pytest.mark.parametrize("tier", [Rules([("tea", "a"), ("", "b")]), Classifier(WORD_MODEL)], ids=["rules", "classifier"])
def test_a_tier_reads_the_column_it_is_told_and_names_those_there_are(tier):
    table, gold = pd.DataFrame({"id": [7, 8], "body": ["tea", "salt"]}), ["a", "b"]
    with pytest.raises(BadInput, match=r"no column 'text'(.|\n)*\['id', 'body'\](.|\n)*column="):
        clone(tier).fit(table, gold)
    fitted = clone(tier).set_params(column="body").fit(table, gold)
    assert fitted.answer(table)["label"].tolist() == gold
    with pytest.raises(BadInput, match=r"no column 'body'"):
        fitted.answer(["tea"])


def test_an_estimator_without_probabilities_is_named():
    with pytest.raises(BadInput, match=r"LinearSVC\(\)(.|\n)* has no predict_proba(.|\n)*CalibratedClassifierCV"):
        Classifier(make_pipeline(TfidfVectorizer(), LinearSVC())).fit(TEXTS, LABELS)


@pytest.mark.parametrize("threshold", ["high", 70, -0.1, float("nan"), None])
def test_a_threshold_that_no_confidence_can_have_is_refused(threshold):
    with pytest.raises(BadInput, match=r"threshold is (.|\n)*from 0 to 1"):
        Classifier(WORD_MODEL, threshold=threshold).fit(TEXTS, LABELS).answer(TEXTS)


def test_a_missing_value_is_said_to_be_unknown():
    prompt = Prompt("", "{height} feet, {sky}, {engines}", {"yes": "yes", "no": "no"})
    assert prompt.fill({"height": 500.0, "sky": None, "engines": float("nan")}) == "500 feet, unknown, unknown"


def test_people_are_stated_ranges():
    person = Human((1, 3), (20, 40), (0.02, 0.1), "stated")
    frame = person.answer(["tea"])
    assert frame[["label", "reason"]].values.tolist() == [[ABSTAIN, "waiting"]]
    assert frame["cost_usd"].item() == pytest.approx((1 / 60 * 20 + 3 / 60 * 40) / 2)
    for bad in ({"minutes": (3, 1)}, {"error_rate": (0.1, 1.2)}, {"usd_per_hour": (-1, 2)}):
        with pytest.raises(BadInput, match=next(iter(bad))):
            person.set_params(**bad).band()
        person = Human((1, 3), (20, 40), (0.02, 0.1), "stated")
