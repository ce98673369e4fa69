"""The outcome table: ask every model about every row once, and keep the answers.

    python -m tools.outcomes prompts              every prompt variant on the prompt split
    python -m tools.outcomes record [--limit N]   the frozen prompts on all splits, in row order
    python -m tools.outcomes extras               what labs ask beside the table: zero-shot, four effects, columns
    python -m tools.outcomes frames               recordings -> data/answers/*.csv, no model needed
    python -m tools.outcomes audit [--tier T]     100 recorded test answers asked again, and compared

Recording needs a live model; it can be interrupted and goes on where it stopped.
"""

import argparse
import datetime as dt
import json
import tomllib

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import cross_val_predict

from hybridlab import connect, datasets, paths, recordings
from hybridlab.errors import MissingRecording
from hybridlab.llm import audit_report
from hybridlab.tiers import ABSTAIN, LLM, TOKENS, Prompt

POSITIVE = {"reviews": "other", "birds": "effect"}
TASKS = tuple(POSITIVE)
MODELS = {tier: datasets.TIERS[tier] for tier in ("llm05", "llm15")}
SMALL = {"llm01": datasets.TIERS["llm01"]}
SPLITS = ("prompt", "tune", "calibrate", "route", "test")


def variants(task):
    """Names of the prompt variants of a task."""
    return sorted(path.stem for path in paths.data("prompts").glob(f"{task}.v*.toml"))


def frozen(task, tier):
    """The prompt that was chosen for a tier on the prompt split."""
    chosen = tomllib.loads(paths.data("prompts", "frozen.toml").read_text(encoding="utf-8"))
    return chosen[task][tier]


def answers(task, prompt, model, split, mode, limit=None):
    """Answer frame of one prompt and model on one split, with the gold label."""
    rows = datasets.load(task, split).iloc[:limit]
    frame = LLM(prompt, model, min_mass=0.0, mode=mode).answer(rows)
    return frame.assign(gold=rows["label"])


def jobs():
    """(task, tier, model, split) of the outcome table: one model after the other, test first."""
    order = ("test", *[split for split in SPLITS if split != "test"])
    for tier, model in reversed(MODELS.items()):
        yield from ((task, tier, model, split) for split in order for task in TASKS)
    yield from ((task, tier, model, "test") for tier, model in SMALL.items() for task in TASKS)


def extras(models):
    """(prompt, model, rows) that lab 01a compares beside the outcome table; labs replay them directly."""
    birds = datasets.load("birds", "test")
    asked = {"birds.effect0": birds[birds["label"] == "effect"], "birds.effect8": birds[birds["label"] == "effect"],
             "birds.columns0": birds.iloc[:200], "birds.columns8": birds.iloc[:200],
             "reviews.v2": datasets.load("reviews", "test"), "birds.v1": birds}
    return [(prompt, model, rows) for model in models for prompt, rows in asked.items()]


def record_extras(models, limit):
    """Ask the extras live; print how many were right as they grow."""
    for prompt, model, rows in extras(models):
        frame = LLM(prompt, model, min_mass=0.0, mode="record").answer(rows.iloc[:limit])
        gold = rows["effect" if "effect" in prompt else "label"].iloc[:limit]
        print(f"{prompt} {model} n={len(frame)} {(frame['label'] == gold).mean():.3f} right, "
              f"labels {frame['label'].value_counts().to_dict()}", flush=True)


def score_prompts(models, limit):
    """Accuracy and average precision of every variant on the prompt split."""
    for tier, model in models.items():
        for task in TASKS:
            for name in variants(task):
                frame = answers(task, name, model, "prompt", "record", limit)
                positive = POSITIVE[task]
                ap = average_precision_score(frame["gold"] == positive, frame[f"p_{positive}"].fillna(0.5))
                right = (frame["gold"] == frame["label"]).mean()
                print(f"{tier} {name} n={len(frame)} accuracy={right:.3f} ap={ap:.3f} "
                      f"abstain={(frame['reason'] != '').mean():.3f}", flush=True)


def write_frames():
    """One CSV a task, tier and split, from recordings alone; a job that is not recorded in full is skipped."""
    used, frames = set(), {}
    for task, tier, model, split in jobs():
        used |= keys(task, frozen(task, tier), model, split)
        try:
            frames[task, tier, split] = answers(task, frozen(task, tier), model, split, "replay")
        except MissingRecording:
            print(f"skipped {task}.{tier}.{split}: not recorded in full")
    for (task, tier, split), frame in frames.items():
        shares = [column for column in frame if column.startswith("p_")]
        frame["calibrated"] = calibrated(task, frame, frames.get((task, tier, "tune")), split)
        kept = frame[["label", "gold", "confidence", "calibrated", *shares, *TOKENS, "reason"]].round(6)
        kept.to_csv(paths.data("answers", f"{task}.{tier}.{split}.csv"), index_label="row", lineterminator="\n")
    write_keys(used)


def calibrated(task, frame, tune, split):
    """Probability that the label is right, by Platt's map of the positive label's log-odds on the tune rows.

    On the tune rows themselves it is out of fold (5 folds); without tune rows it is missing; 0 where the
    model was silent.
    Source: Platt 1999, Probabilistic outputs for support vector machines.
    """
    if tune is None:
        return np.nan
    positive = POSITIVE[task]
    model, truth = LogisticRegression(C=1e6), tune["gold"] == positive
    if split == "tune":
        share = cross_val_predict(model, odds(frame, positive), truth, cv=5, method="predict_proba")[:, 1]
    else:
        share = model.fit(odds(tune, positive), truth).predict_proba(odds(frame, positive))[:, 1]
    share = np.where(frame["label"] == positive, share, 1 - share)
    return np.where(frame["label"] == ABSTAIN, 0.0, share)


def odds(frame, positive):
    """Log-odds of the positive label as a column, cut at five decimals; even where the model was silent."""
    share = frame[f"p_{positive}"].fillna(0.5).clip(1e-5, 1 - 1e-5)
    return np.log(share / (1 - share)).to_numpy()[:, None]


def keys(task, prompt, model, split):
    """Recording keys of one prompt and model on one split."""
    bodies = LLM(prompt, model).bodies(datasets.load(task, split))
    return {recordings.recording_key("/chat/completions", body) for body in bodies}


def write_keys(used):
    """All keys that the outcome table and the comparison of prompts stand on."""
    for model in MODELS.values():
        for task in TASKS:
            for name in variants(task):
                used |= keys(task, name, model, "prompt")
    for prompt, model, rows in extras(MODELS.values()):
        used |= {recordings.recording_key("/chat/completions", body) for body in LLM(prompt, model).bodies(rows)}
    text = "".join(key + "\n" for key in sorted(used & set(recordings.committed())))
    paths.data("answers", "keys.txt").write_text(text, encoding="utf-8")


def audit(tier, model, n=100, seed=0):
    """Ask ``n`` recorded test answers again, drawn with a seed and asked in row order, half of each task.

    The report, with CPU and engine beside it, is kept below ``data/audits``.
    """
    audits = []
    for task in TASKS:
        prompt = Prompt.load(frozen(task, tier))
        asked = LLM(prompt, model, min_mass=0.0)
        asked.client = connect(task, "audit", audit_share=1)
        asked.answer(datasets.load(task, "test").sample(n // len(TASKS), random_state=seed).sort_index())
        audits += asked.client.seam.audits
    from tools import timings

    report = audit_report(audits, parse=str.casefold)
    header = {"model": model, "date": dt.date.today().isoformat(), "seed": seed, "cpu": timings.machine()["cpu"],
              "recorded_with": sorted({old["engine"] for old, _ in audits}),
              "asked_with": sorted({new["engine"] for _, new in audits})}
    rows = json.loads(report.to_json(orient="index", double_precision=6))
    file = paths.data("audits", f"{tier}.json")
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(header | {"measures": rows}, indent=1) + "\n", encoding="utf-8")
    print(header, report.to_string(), sep="\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("prompts", "record", "extras", "frames", "audit"))
    parser.add_argument("--limit", type=int, help="rows a split, to try a prompt")
    parser.add_argument("--tier", choices=(*MODELS, *SMALL), help="one tier only")
    parser.add_argument("--split", choices=SPLITS, help="one split only")
    args = parser.parse_args()
    chosen = {tier: model for tier, model in (MODELS | SMALL).items() if args.tier in (None, tier)}
    if args.what == "prompts":
        score_prompts({tier: chosen[tier] for tier in MODELS if tier in chosen}, args.limit)
    elif args.what == "record":
        for task, tier, model, split in jobs():
            if tier in chosen and args.split in (None, split):
                frame = answers(task, frozen(task, tier), model, split, "record", args.limit)
                print(f"{task} {tier} {split}: {len(frame)} answers, "
                      f"{(frame['gold'] == frame['label']).mean():.3f} right", flush=True)
    elif args.what == "extras":
        record_extras([chosen[tier] for tier in MODELS if tier in chosen], args.limit)
    elif args.what == "audit":
        for tier, model in chosen.items():
            audit(tier, model)
    else:
        write_frames()
    if args.what in ("prompts", "record", "extras"):
        recordings.tidy(paths.data("recordings"))


if __name__ == "__main__":
    main()
