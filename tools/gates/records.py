"""Gates over what was measured: recordings, results, stored outputs, and the sums of all files."""

import json
import re

from hybridlab import results
from hybridlab.errors import BadInput

from .. import notebooks, sums

REQUIRED = {"key", "key_version", "model", "engine", "date", "seconds", "load", "slots", "usage", "timings"}
CHAT = {"finish_reason", "content"}
ALLOWED = REQUIRED | CHAT | {"logprobs", "refusal", "tool_calls", "embeddings"}
INSIDE = {"usage": {"prompt_tokens", "cached_tokens", "completion_tokens"},
          "timings": {"prompt_ms", "predicted_ms"}}
KEY = re.compile(r"[0-9a-f]{64}")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def gate_recordings(root):
    """Every recording is used by a lab or a committed answer, and every call has its recording."""
    traces = sorted((root / "_build" / "trace").glob("*.keys"))
    if not traces and notebooks.labs(root):
        return ["_build/trace: no trace of the calls; run `make test`, which runs every lab before the gates"]
    used = set().union(*(path.read_text(encoding="utf-8").split() for path in traces))
    committed = root / "data" / "answers" / "keys.txt"
    used |= set(committed.read_text(encoding="utf-8").split()) if committed.exists() else set()
    places = {key: place for place, key in keys(root)}
    unused = {}
    for key, place in places.items():
        if key not in used:
            unused.setdefault(place.rpartition(":")[0], []).append(place.rpartition(":")[2])
    idle = [f"{file}: {len(at)} recordings that no lab and no answer uses; delete the lines {shorten(at)}"
            for file, at in unused.items()]
    missing = [f"data/recordings: nothing for the key {key[:12]}...; `python -m tools.refresh --record`"
               for key in sorted(used - set(places))]
    return idle + missing


def shorten(numbers):
    """The first few numbers of a list as text."""
    return ", ".join(numbers[:10]) + (" ..." if len(numbers) > 10 else "")


def keys(root):
    """Place and key of every line."""
    for place, line in lines(root):
        yield place, line[8:72]


def lines(root):
    """Place and text of every line of every recording file."""
    for path in sorted((root / "data" / "recordings").glob("*.jsonl")):
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n")[:-1], 1):
            yield f"data/recordings/{path.name}:{number}", line


def gate_lines(root):
    """A recording holds what the seam writes, no prompt and no header; files are sorted by key."""
    problems = [f"{place}: {found}" for place, line in lines(root) for found in line_problems(line, place)]
    seen, files = set(), {}
    for place, key in keys(root):
        if key in seen:
            problems.append(f"{place}: the key {key[:12]}... is there twice; delete one line")
        seen.add(key)
        files.setdefault(place.rpartition(":")[0], []).append(key)
    problems += [f"{file}: not sorted by key; run hybridlab.recordings.tidy on the folder"
                 for file, order in files.items() if order != sorted(order)]
    problems += [f"data/recordings/{path.name}: the last line is broken; delete it"
                 for path in sorted((root / "data" / "recordings").glob("*.jsonl"))
                 if not path.read_bytes().endswith(b"\n")]
    return problems


def line_problems(line, place):
    """What is wrong with one recording line."""
    try:
        record = json.loads(line)
    except ValueError:
        yield "no JSON; delete the line"
        return
    if next(iter(record), "") != "key" or not KEY.fullmatch(str(record["key"])):
        yield "does not begin with a key of 64 hexadecimal digits; record it again"
    wanted = REQUIRED | (set() if "embeddings" in record else CHAT)
    if wanted - set(record):
        yield f"has no {', '.join(sorted(wanted - set(record)))}; record it again"
    foreign = set(record) - ALLOWED
    for field, known in INSIDE.items():
        foreign |= set(record.get(field, ())) - known
    if foreign:
        yield f"holds {', '.join(sorted(foreign))}, which a recording must not; take it out"
    if not isinstance(record.get("key_version"), int) or not DATE.fullmatch(str(record.get("date"))):
        yield "key_version is no whole number or date is not YYYY-MM-DD; record it again"
    if not place.rpartition(":")[0].endswith(f".{record.get('model')}.jsonl"):
        yield f"is of the model {record.get('model')}; move it to the file of that model"


def gate_results(root):
    """Stored results are whole: one file a lab that saves any, finite numbers inside their intervals."""
    saving = {notebooks.lab_name(path) for path in notebooks.labs(root)
              if any("results.save(" in cell.source for cell in notebooks.code(notebooks.read(path)))}
    files = {path.stem: path for path in sorted((root / "data" / "results").glob("*.json"))}
    problems = [f"data/results/{lab}.json: not there, its lab saves results; run `make refresh`"
                for lab in sorted(saving - set(files))]
    problems += [f"data/results/{lab}.json: no lab saves these results; delete the file"
                 for lab in sorted(set(files) - saving)]
    for lab, path in files.items():
        problems += [f"data/results/{path.name}: {found}" for found in result_problems(lab, path)]
    return problems


def result_problems(lab, path):
    """What is wrong with one results file."""
    text = path.read_text(encoding="utf-8")
    try:
        tidy = results.dumps(lab, json.loads(text))
    except (BadInput, ValueError) as error:
        yield f"{' '.join(str(error).split())}; mend the lab and run `make refresh`"
        return
    if tidy != text:
        yield "written by hand; run `make refresh`"


def gate_outputs(root):
    """A stored output is what its cell showed when it ran, images too."""
    return list(sums.edited(root))


def gate_sums(root):
    """What was measured or frozen has the bytes of data/SHA256SUMS."""
    return [*sums.changed(root), *sums.unknown(root)]
