"""System users and directories of private servers, when the command runs as root."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path


def servers_user(name: str) -> str | None:
    """Return the user that a server must run as, or nothing when it runs as ourselves.

    PostgreSQL refuses to run as root. Packages make the user; for binaries from elsewhere it is
    made here.
    """
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(name)
    except KeyError:
        subprocess.run(
            ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name],
            check=True,
            capture_output=True,
        )
    return name


def home_of(link: Path, user: str | None) -> Path:
    """Return a server's own directory, made if need be, that its user can reach.

    A clone below /root is closed to other users: then the directory is made in /var/tmp, and
    `link` points to it.
    """
    if link.exists():
        return link.resolve()
    link.unlink(missing_ok=True)  # what it pointed to was removed
    link.mkdir(parents=True)
    if user is None:
        return link
    _give(link, user)
    if _reachable(link, user):
        return link
    link.rmdir()
    elsewhere = Path(tempfile.mkdtemp(prefix="bling-360hub-sync-", dir="/var/tmp"))
    _give(elsewhere, user)
    link.symlink_to(elsewhere)
    return elsewhere


def run_as(
    user: str | None, command: list[str], environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command as a user without our groups, and return what it said."""
    return subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        cwd="/",
        env=environment,
        user=user,
        group=pwd.getpwnam(user).pw_gid if user else None,
        extra_groups=[] if user else None,
    )


def _give(directory: Path, user: str) -> None:
    directory.chmod(0o700)
    shutil.chown(directory, user, pwd.getpwnam(user).pw_gid)


def _reachable(directory: Path, user: str) -> bool:
    return run_as(user, ["test", "-w", str(directory)]).returncode == 0
