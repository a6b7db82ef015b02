"""The states that the rules of another git revision fold, run apart, beside today's."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import services
import shared
from services.sync_core.__main__ import app
from services.sync_core.audit.rules import running
from services.sync_core.audit.rules.running import RulesError, rules_of
from services.sync_core.log.append import EventLog
from services.sync_core.log.connection import Pool
from services.sync_core.log.facts import read_fact
from shared.contracts import hub_gateway as hub
from tests.sync_core.database import CoreDatabase
from tests.sync_core.seller import AT, Seller
from tests.sync_core.test_outbox import registered

DOMAIN = Path("services/sync_core/domain")
OTHER_NUMBERS = (DOMAIN / "order_fold.py", "seen.number,", 'f"nº {seen.number}",')


class Checkout:
    """A git repository of our code, in which other rules can be committed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for package in (services, shared):
            code = Path(str(package.__file__)).parent
            kept = shutil.ignore_patterns("__pycache__")
            shutil.copytree(code, folder / code.name, ignore=kept)
        self._git("init", "--quiet")
        self._git("config", "user.email", "ana@example.com")
        self._git("config", "user.name", "Ana")
        self.today = self._commit()

    def changed(self, file: Path, before: str, after: str) -> str:
        """Return a revision after today's in which a file says something else."""
        self._git("checkout", "--quiet", self.today)
        text = (self.folder / file).read_text()
        assert before in text
        (self.folder / file).write_text(text.replace(before, after))
        return self._commit()

    def _commit(self) -> str:
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message", "rules")
        return self._git("rev-parse", "HEAD").strip()

    def worktrees(self) -> int:
        return len(self._git("worktree", "list").splitlines())

    def _git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, check=True, capture_output=True, text=True
        )
        return done.stdout


@pytest.fixture(scope="module")
def made_checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return Checkout(tmp_path_factory.mktemp("checkout"))


@pytest.fixture
def checkout(made_checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> Iterator[Checkout]:
    monkeypatch.setattr(running, "_CHECKOUT", made_checkout.folder)
    yield made_checkout
    assert made_checkout.worktrees() == 1, "what was started is cleaned up"


@pytest.fixture
async def seller(
    log: EventLog, core_database: CoreDatabase, monkeypatch: pytest.MonkeyPatch
) -> Seller:
    """Two orders: one registered, one of which a label failed besides."""
    monkeypatch.setenv("SYNC_CORE_DATABASE_URL", core_database.service_url)
    monkeypatch.setenv("COLUMNS", "250")
    seller = await registered(log, orders=2)
    label = hub.Label(label_id="lab_1", volume=1, status="failed", failure="carrier_refused")
    failed = hub.OrderLabelsUpdated(shipment=1, hub_sequence=1, happened_at=AT, labels=(label,))
    fact = seller.fact(failed, "order-2", source=hub.SOURCE)
    async with log.writing(seller.partition, [seller.id]) as writing:
        await writing.append([read_fact(fact.encode(), fact.partition).incoming])
    return seller


async def asked(command: str, revision: str, seller: Seller, *more: str) -> Result:
    arguments = ["audit", command, "--rules", revision, "--account", str(seller.id), *more]
    return await asyncio.to_thread(CliRunner().invoke, app, arguments)


async def test_the_same_rules_fold_the_same_states(checkout: Checkout, seller: Seller) -> None:
    result = await asked("diff", checkout.today, seller)

    assert result.exit_code == 0, result.output
    assert "1 accounts, 0 streams differ" in result.output


async def test_other_rules_fold_other_states_told_field_by_field(
    checkout: Checkout, seller: Seller
) -> None:
    other = checkout.changed(*OTHER_NUMBERS)

    result = await asked("diff", other, seller, "--json")

    assert result.exit_code == 1
    assert [json.loads(line) for line in result.stdout.splitlines()] == [
        {
            "account_id": str(seller.id),
            "stream": f"order-{order_id}",
            "fields": {"number": {"here": "1042", "there": "nº 1042"}},
        }
        for order_id in (1, 2)
    ]


async def test_a_table_shows_both_sides(checkout: Checkout, seller: Seller) -> None:
    other = checkout.changed(*OTHER_NUMBERS)

    result = await asked("diff", other, seller)

    (line,) = [line for line in result.output.splitlines() if "order-2" in line]
    assert line.split()[1:] == ["order-2", "number", '"1042"', '"nº', '1042"']
    assert f"1 accounts, 2 streams differ from {other}" in result.output


async def test_a_type_that_the_other_rules_do_not_know_is_named(
    checkout: Checkout, seller: Seller
) -> None:
    contracts = Path("shared/contracts/hub_gateway.py")
    other = checkout.changed(contracts, '"hub.order.labels_updated"', '"hub.order.labelled"')

    result = await asked("diff", other, seller, "--json")

    assert [json.loads(line) for line in result.stdout.splitlines()] == [
        {
            "account_id": str(seller.id),
            "stream": "order-2",
            "unknown": "hub.order.labels_updated:1",
        }
    ]


async def test_other_rules_decide_otherwise_upon_what_was_recorded(
    checkout: Checkout, seller: Seller
) -> None:
    """``what-if`` asks the same rules apart."""
    other = checkout.changed(DOMAIN / "reasons.py", "label_failed", "label_lost")

    result = await asked("what-if", other, seller, "--json")

    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 1
    assert {each["stream"] for each in found} == {"order-2"}
    differing = [each for each in found if "ended_at" not in each]
    told = [each[side] for each in differing for side in ("decided", "would_be") if each[side]]
    assert [each["data"]["code"] for each in told] == ["label_lost", "label_failed"]


async def test_the_same_rules_apart_decide_the_same(checkout: Checkout, seller: Seller) -> None:
    result = await asked("what-if", checkout.today, seller)

    assert result.exit_code == 0, result.output


async def test_rules_without_the_names_that_we_ask_by_are_refused(
    checkout: Checkout, seller: Seller
) -> None:
    domain = DOMAIN / "__init__.py"
    other = checkout.changed(domain, "def needed_products(", "def wanted_products(")

    result = await asked("diff", other, seller)

    assert result.exit_code == 2
    assert "cannot import name 'needed_products'" in result.output


async def test_rules_that_fail_are_told_by_their_last_words(
    checkout: Checkout, seller: Seller
) -> None:
    fold = DOMAIN / "order_fold.py"
    other = checkout.changed(
        fold, "def evolve(", "def evolve(*_):\n    raise OSError('no')\ndef _("
    )

    result = await asked("diff", other, seller)

    assert result.exit_code == 2
    assert "OSError: no" in result.output


async def test_what_a_newer_release_logged_is_not_folded_by_these_rules(
    checkout: Checkout, seller: Seller, owner: Pool
) -> None:
    newer = "UPDATE event_log SET schema_version = 2 WHERE account_id = $1 AND type = $2"
    await owner.execute(newer, seller.id, hub.OrderLabelsUpdated.TYPE)

    result = await asked("diff", checkout.today, seller)

    assert result.exit_code == 2
    assert "A newer release logged hub.order.labels_updated:2" in result.output


async def test_a_revision_that_is_none_is_refused(checkout: Checkout, seller: Seller) -> None:
    result = await asked("diff", "no-such-revision", seller)

    assert (result.exit_code, result.output.strip()) == (
        2,
        "git knows no revision no-such-revision",
    )


async def test_without_a_checkout_or_git_there_are_no_other_rules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "_CHECKOUT", tmp_path)
    with pytest.raises(RulesError, match="not a git repository"):
        async with rules_of("HEAD"):
            pass

    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RulesError, match="git, which is not installed"):
        async with rules_of("HEAD"):
            pass
