"""Whatever goes wrong around a command: one clear line, exit code 2, and never a traceback."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
import typer
from yarl import URL

from services.bling_gateway.__main__ import app as bling_gateway
from services.hub_gateway.__main__ import app as hub_gateway
from services.sync_core.__main__ import app as sync_core
from services.sync_core.log.append import EventLog
from services.sync_core.log.connection import Pool
from tests.sync_core.clock import Clock
from tests.sync_core.database import CoreDatabase
from tests.sync_core.story import Story
from tests.sync_core.test_archive import finished
from tests.sync_core.test_erasure import delivered, people
from tests.sync_core.test_service import Environment, environment, run

__all__ = ["environment"]  # the fixture

ACCOUNT = ("--account", "0190a5b2-0000-7000-8000-000000000000")
COMMANDS = (
    ("audit", "timeline", "1042"),
    ("audit", "as-of", "1042", "--position", "1"),
    ("audit", "loops"),
    ("audit", "verify"),
    ("audit", "check"),
    ("audit", "replay", "--dry-run"),
    ("audit", "what-if", "--rules", "HEAD"),
    ("audit", "diff", "--rules", "HEAD"),
    ("audit", "export", "--out", "history", *ACCOUNT),
    ("audit", "archive", "--older-than", "90"),
    ("audit", "unarchive", *ACCOUNT),
    ("audit", "subject", "contact-77", *ACCOUNT),
    ("audit", "erase", "contact-77", "--by", "ana", *ACCOUNT),
    ("audit", "inclusion", ACCOUNT[1]),
    ("parked", "list"),
    ("parked", "retry", ACCOUNT[1], "order-1"),
)


@pytest.fixture(autouse=True)
def archive(environment: Environment, tmp_path: Path) -> None:
    environment["SYNC_CORE_ARCHIVE_DIR"] = str(tmp_path / "archive")


async def refused(environment: Environment, *arguments: str) -> str:
    """Run a command that cannot be answered, and return its one line."""
    code, out, err = await run(environment, *arguments)
    assert (code, out.strip()) == (2, ""), (arguments, err)
    assert "Traceback" not in err, arguments
    told = [line for line in err.splitlines() if line and "-:--:--" not in line]
    return told[-1]


async def test_a_database_without_the_schema_is_to_be_migrated(environment: Environment) -> None:
    empty = {
        name: str(URL(environment[name]).with_path("/postgres"))
        for name in ("SYNC_CORE_DATABASE_URL", "SYNC_CORE_MIGRATION_DATABASE_URL")
    }

    for command in COMMANDS:
        told = await refused(environment | empty, *command)

        assert told.startswith("The database's schema is not this program's: migrate"), command


async def test_a_database_that_does_not_answer_is_not_waited_for(
    environment: Environment, unused_tcp_port: int
) -> None:
    away = {
        name: str(URL(environment[name]).with_port(unused_tcp_port))
        for name in ("SYNC_CORE_DATABASE_URL", "SYNC_CORE_MIGRATION_DATABASE_URL")
    }

    for told in await asyncio.gather(
        *(refused(environment | away, *command) for command in COMMANDS if "audit" in command)
    ):
        assert told.startswith("DATABASE_URL: PostgreSQL does not answer")


async def test_only_the_tables_owner_replays_and_moves_history(
    environment: Environment, core_database: CoreDatabase, log: EventLog, clock: Clock
) -> None:
    clock.now -= timedelta(days=400)
    seller = await finished(log)
    service = environment | {"SYNC_CORE_MIGRATION_DATABASE_URL": core_database.service_url}
    moving = ("audit", "archive", "--older-than", "90", "--at-least", "1")

    for command in (("audit", "replay"), (*moving, "--account", str(seller.id))):
        told = await refused(service, *command)

        assert told.startswith("SYNC_CORE_MIGRATION_DATABASE_URL must log in as the owner")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("timeline", "nothing"), "There is no order nothing"),
        (("timeline", "1", *ACCOUNT), f"There is no order 1 in account {ACCOUNT[1]}"),
        (("loops", *ACCOUNT), f"There is no account {ACCOUNT[1]}"),
        (("verify", *ACCOUNT), f"There is no account {ACCOUNT[1]}"),
        (("replay", "--dry-run", *ACCOUNT), f"There is no account {ACCOUNT[1]}"),
        (("replay", *ACCOUNT), "One account can only be compared: add --dry-run"),
        (("what-if",), "Say what to try: --mapping FILE, --rules REV, or both"),
        (("what-if", "--mapping", "nowhere.json"), "nowhere.json cannot be read: No such file"),
        (("what-if", "--mapping", "pyproject.toml"), "pyproject.toml is no mapping: Invalid JSON"),
        (("diff", "--rules", "nothing"), "git knows no revision nothing"),
        (("export", "--out", "new", *ACCOUNT), f"There is no account {ACCOUNT[1]}"),
        (("export", "--out", "no/where", *ACCOUNT), "no is no directory"),
        (("export", "--out", "a.parquet", *ACCOUNT), "a.parquet names a table: add --format"),
        (("archive", "--older-than", "90", *ACCOUNT), f"There is no account {ACCOUNT[1]}"),
        (("unarchive", *ACCOUNT), f"There is no account {ACCOUNT[1]}"),
        (("subject", "contact-77"), "Name the person's account: --account ID"),
        (("subject", "contact-77", *ACCOUNT), f"There is no account {ACCOUNT[1]}"),
        (("erase", "contact-77", "--by", " ", *ACCOUNT), "Say who you are with --by"),
        (("inclusion", ACCOUNT[1]), "There is no checkpoint"),
        (("inclusion", ACCOUNT[1], "--checkpoint", "9"), "There is no checkpoint 9"),
    ],
)
async def test_a_wrong_question_gets_one_clear_sentence(
    environment: Environment, arguments: tuple[str, ...], said: str
) -> None:
    assert (await refused(environment, "audit", *arguments)).startswith(said)


@pytest.mark.parametrize(
    "arguments",
    [
        ("archive", "--older-than", "99999999999"),
        ("archive", "--older-than", "999999"),
        ("inclusion", ACCOUNT[1], "--checkpoint", "99999999999999999999"),
        ("as-of", "1", "--position", "0"),
        ("export", "--out", "new", "--account", "Loja Azul"),
    ],
)
async def test_a_number_or_id_that_cannot_be_is_refused(
    environment: Environment, arguments: tuple[str, ...]
) -> None:
    code, out, err = await run(environment, "audit", *arguments)

    assert (code, out) == (2, "")
    assert "Invalid value for" in err


async def test_another_master_key_opens_nothing(environment: Environment, log: EventLog) -> None:
    story = await Story.begun(log)
    other = environment | {"SYNC_CORE_MASTER_KEY": "A" * 43 + "="}

    told = await refused(other, "audit", "subject", f"{story.seller.tag}-1")

    assert told.startswith("SYNC_CORE_MASTER_KEY: it was sealed with a key that is not among")


async def test_nothing_is_erased_where_nobody_answers(
    environment: Environment, log: EventLog, pool: Pool
) -> None:
    seller = await delivered(log)

    told = await refused(environment, "audit", "erase", f"{seller.tag}-1", "--by", "ana")

    assert told.endswith("Nothing was done")
    assert await people(pool, seller) == 1


async def test_nothing_is_erased_that_cannot_be_listed(
    environment: Environment, log: EventLog, pool: Pool, tmp_path: Path
) -> None:
    seller = await delivered(log)
    (tmp_path / "file").touch()
    listed = environment | {"SYNC_CORE_ERASURES_FILE": str(tmp_path / "file" / "erasures")}
    erase = ("audit", "erase", f"{seller.tag}-1", "--by", "ana", "--yes")

    told = await refused(listed, *erase)

    assert told.startswith(str(tmp_path / "file"))
    assert await people(pool, seller) == 1


@pytest.mark.parametrize("app", [sync_core, bling_gateway, hub_gateway])
def test_every_command_and_option_is_explained(app: typer.Typer) -> None:
    unexplained = []
    commands = [typer.main.get_command(app)]
    while commands:
        command = commands.pop()
        commands += getattr(command, "commands", {}).values()
        unexplained += [command.name] * (not command.help)
        unexplained += [
            f"{command.name} {each.name}"
            for each in command.params
            if not getattr(each, "help", None)
        ]

    assert unexplained == []
