"""Installs servers with the system's package tool, on Debian and Ubuntu as root."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.console import step
from deploy.errors import ServerMissingError, tail

_POLICY = Path("/usr/sbin/policy-rc.d")


def can_install() -> bool:
    """Whether packages can be installed here without asking anybody."""
    on_debian = Path("/etc/debian_version").exists()
    return os.geteuid() == 0 and on_debian and shutil.which("apt-get") is not None


def install(packages: tuple[str, ...]) -> None:
    """Install packages without starting the services that come with them."""
    step(f"Installing {' '.join(packages)} with apt-get")
    with _no_service_starts():
        _apt_get("update")
        _apt_get("install", "--yes", "--no-install-recommends", *packages)


@contextmanager
def _no_service_starts() -> Iterator[None]:
    """Refuse service starts as Debian's policy layer provides; the instances are to be ours."""
    if _POLICY.exists():  # the machine's owner decided already
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink()


def _apt_get(*arguments: str) -> None:
    answer = subprocess.run(
        ["apt-get", *arguments],
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
    )
    if answer.returncode:
        raise ServerMissingError(f"apt-get {arguments[0]} failed:\n{tail(answer.stderr, 5)}")
