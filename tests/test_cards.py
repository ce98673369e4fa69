"""Every number on a data card is computed from the rows again; numbers without a name are listed here."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline

from hybridlab import datasets, paths
from hybridlab.evaluate import wilson

BOUND = re.compile(r"([\d,.-]+)(?: %)?<!--=(\w+)-->")
TOLD = r"PREC|ABORT|RETURN|RTN|LANDED|SHUT"


def percent(mask):
    return 100 * float(np.mean(mask))


def split_facts(name, positive):
    facts = {}
    for split in datasets.SPLITS:
        labels = datasets.load(name, split)["label"]
        facts |= {f"{split}_rows": len(labels), f"{split}_percent": percent(labels == positive)}
    return facts


def near_facts(texts):
    sizes = np.bincount(datasets.near_duplicate_groups(texts))
    return {"near_groups": (sizes > 1).sum(), "near_rows": sizes[sizes > 1].sum()}


def auc_of_telling_apart(texts, late):
    model = make_pipeline(TfidfVectorizer(min_df=2), LogisticRegression())
    return roc_auc_score(late, cross_val_predict(model, texts, late, cv=5, method="predict_proba")[:, 1])


def reviews():
    rows = datasets.load("reviews")
    words, first = rows["text"].str.split().str.len(), rows["text"].iloc[:4000]
    return split_facts("reviews", "great") | {
        "rows": len(rows), "products": rows["product"].nunique(),
        "great_percent": percent(rows["label"] == "great"),
        "words_median": words.median(), "words_p95": words.quantile(0.95), "words_max": words.max(),
        "exact_copies": rows["text"].duplicated().sum(),
        "test_copies": rows["text"].iloc[4000:].isin(first).sum(),
        "br_percent": percent(rows["text"].str.contains("<br />")),
        "link_percent": percent(rows["text"].str.contains("http")),
    }


def birds():
    rows = datasets.load("birds")
    texts = rows["text"][rows["text"] != ""]
    words, effect = rows["text"].str.split().str.len(), rows["effect"].value_counts()
    missing, years = 100 * rows.isna().mean(), rows["date"].dt.year.value_counts()
    told = texts.str.contains(TOLD).groupby(rows["label"]).mean() * 100
    in_splits = pd.concat([datasets.load("birds", split) for split in datasets.SPLITS])
    assert rows["text"].str.isupper().mean() > 0.85 and rows["date"].max() < pd.Timestamp("1999-11-01")
    return split_facts("birds", "effect") | {
        "rows": len(rows), "first_year": years.index.min(), "last_year": years.index.max(),
        "year_1998": years[1998], "year_1999": years[1999],
        "words_median": words[words > 0].median(), "text_missing": percent(rows["text"] == ""),
        "precautionary": effect["Precautionary Landing"], "aborted": effect["Aborted Take-off"],
        "other": effect["Other"], "shut_down": effect["Engine Shut Down"],
        "effect_missing": missing["effect"],
        "operators": rows["operator"].nunique(), "species": rows["species"].nunique(),
        "engines_missing": missing[["atype", "ac_mass", "num_engs"]].max(),
        "time_missing": missing[["date", "time_of_day", "state"]].max(),
        "speed_missing": missing[["phase_of_flt", "height", "speed"]].max(), "sky_missing": missing["sky"],
        "seen_missing": missing["birds_seen"], "struck_missing": missing["birds_struck"],
        "effect_percent": percent(rows["label"] == "effect"), "usable_rows": (words >= 5).sum(),
        "usable_percent": percent(rows["label"][words >= 5] == "effect"),
        "told_effect": told["effect"], "told_none": told["none"],
        "copies_percent": percent(texts.duplicated()), "commonest": texts.value_counts()["NO DAMAGE"],
        "split_percent": percent(in_splits["label"] == "effect"), "rows_8": (words >= 8).sum(),
        "shut_down_8": (rows["effect"][words >= 8] == "Engine Shut Down").sum(),
    }


def number_is_in(row):
    spelt = {str(row.individuals_affected), f"{row.individuals_affected:,}"}
    return any(re.search(rf"(?<![\d,]){number}(?!,?\d)", row.text) for number in spelt)


def hhs():
    rows = datasets.load("hhs")
    sizes = {split: len(datasets.split_rows("hhs", split)) for split in ("tune", "test")}
    told = rows[rows["text"].str.len() > 100]
    people, places = told["individuals_affected"], "location_of_breached_information"
    associate = rows["covered_entity_type"] == "Business Associate"
    assert (rows["business_associate_present"] == associate).all()
    assert [kind for kind in rows["type_of_breach"].unique() if kind != kind.strip()] == [
        "Unauthorized Access/Disclosure "]
    assert told["breach_submission_date"].max().startswith("2014-07")
    return near_facts(told["text"]) | sizes | {
        "rows": len(rows), "narratives": len(told), "no_text": (rows["text"] == "").sum(),
        "first_day": rows["breach_submission_date"].min(), "last_day": rows["breach_submission_date"].max(),
        "characters_mean": told["text"].str.len().mean(), "characters_max": told["text"].str.len().max(),
        "people_median": people.median(), "people_max": people.max(),
        "types": rows["type_of_breach"].nunique(), "places": rows[places].nunique(),
        "theft": (told["type_of_breach"] == "Theft").sum(),
        "two_places": told[places].str.contains(",").sum(),
        "literal": sum(map(number_is_in, told.itertuples())),
        "literal_percent": percent([number_is_in(row) for row in told.itertuples()]),
        "x1a": told["text"].str.contains("\x1a").sum(), "copies": told["text"].duplicated().sum(),
    }


def bound(name):
    return BOUND.findall(paths.data("cards", f"{name}.md").read_text(encoding="utf-8"))


def same(printed, fact):
    if isinstance(fact, str):
        return printed == fact
    printed = printed.replace(",", "")
    decimals = len(printed.partition(".")[2])
    return abs(float(printed) - float(fact)) <= 0.5 * 10**-decimals + 1e-9


def check(name, facts):
    wrong = [f"{key}: the card says {text}, the rows {facts[key]}"
             for text, key in bound(name) if key in facts and not same(text, facts[key])]
    assert not wrong, "\n".join([f"correct data/cards/{name}.md:", *wrong])


SLOW = {"reviews": {"parts_auc", "near_rows", "near_groups"}, "birds": {"years_auc"}, "hhs": set()}


@pytest.mark.parametrize(("name", "facts"), [("reviews", reviews), ("birds", birds), ("hhs", hhs)])
def test_card_says_what_the_rows_say(name, facts):
    facts = facts()
    check(name, facts)
    keys = {key for _, key in bound(name)}
    assert keys == set(facts) | SLOW[name], "a number without a check, or a check without its number"


@pytest.mark.slow
def test_slow_numbers_of_the_cards():
    rows = datasets.load("reviews")
    auc = auc_of_telling_apart(rows["text"], np.arange(5000) >= 4000)
    check("reviews", near_facts(rows["text"]) | {"parts_auc": auc})
    rows = pd.concat([datasets.load("birds", split) for split in datasets.SPLITS]).sort_index()
    check("birds", {"years_auc": auc_of_telling_apart(rows["text"], rows["date"].dt.year >= 1995)})


def test_a_wrong_number_would_be_found():
    assert same("65.2", 65.16) and same("1,479", 1479) and same("2015-02-26", "2015-02-26")
    assert not same("65.2", 65.26) and not same("1,478", 1479) and not same("2015-02-25", "2015-02-26")


LOOSE = {  # settings, definitions and citations, not measurements
    "reviews": {"2012", "0.2.10", "3", "2013", "1303.4402", "0", "3999", "4000", "4999", "95", "5", "0.8"},
    "birds": {"2012", "0.2.10", "17", "105", "3", "1", "5", "1990", "1997", "1999", "1995", "0"},
    "hhs": {"0", "500", "2015-02-26", "0.2.10", "17", "105", "2", "3", "100", "209", "95", "7", "2014", "2015"},
}


@pytest.mark.parametrize("name", LOOSE)
def test_numbers_without_a_name_are_settings(name):
    text = BOUND.sub("", paths.data("cards", f"{name}.md").read_text(encoding="utf-8"))
    text = re.sub(r"`[^`]*`|<http\S+>|\(http\S+\)", "", text)
    found = set(re.findall(r"\d[\d,.-]*\d|\d", text))
    assert found <= LOOSE[name], "bind these numbers to a check, or list them as settings"


def test_the_interval_that_the_hhs_card_mentions():
    half = wilson(104, 209)
    assert round(100 * (half.high - half.low) / 2) == 7
