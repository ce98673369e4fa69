"""Refuses the network to a Python process: labs and tests stand on committed files.

Active with ``PYTHONPATH=tools/offline`` and ``HYBRIDLAB_OFFLINE=1``, in child processes too. Loopback stays
open, because kernels talk over it. An audit hook sees every socket and cannot be taken off again.
"""

import importlib.machinery
import importlib.util
import ipaddress
import os
import sys

BY_ADDRESS = {"socket.connect", "socket.sendto", "socket.sendmsg"}
BY_NAME = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}


class NetworkRefused(PermissionError):
    """A call that would have left this machine."""


def stays_here(host):
    """Whether a host name or IP address means this machine.

    >>> stays_here("127.0.0.1"), stays_here("::1"), stays_here("localhost"), stays_here(None)
    (True, True, True, True)
    >>> stays_here("93.184.216.34"), stays_here("example.org")
    (False, False)
    """
    import socket

    host = host.decode() if isinstance(host, bytes) else host
    if host in (None, "", "localhost", socket.gethostname()):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refuse(event, args):
    """The audit hook."""
    if event in BY_NAME:
        host = args[0]
    elif event in BY_ADDRESS and isinstance(args[1], tuple) and isinstance(args[1][0], (str, bytes)):
        host = args[1][0]
    else:
        return
    if not stays_here(host):
        raise NetworkRefused(f"{event} to {host!r} refused: HYBRIDLAB_OFFLINE=1 keeps labs and tests on "
                             "this machine. Read committed files; to go live, unset HYBRIDLAB_OFFLINE.")


def run_the_next_one():
    """Run the ``sitecustomize`` that this file hides, if the machine has one."""
    here = os.path.realpath(os.path.dirname(__file__))
    others = [folder for folder in sys.path if os.path.realpath(folder) != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if spec and spec.loader:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


if __name__ == "sitecustomize":
    run_the_next_one()
    if os.environ.get("HYBRIDLAB_OFFLINE") == "1":
        sys.addaudithook(refuse)
