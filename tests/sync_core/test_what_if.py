"""What another mapping, or other rules, would have decided upon what was recorded."""

import asyncio
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from services.sync_core.__main__ import app
from services.sync_core.audit.rules.host import Host
from services.sync_core.audit.rules.walk import Differing, Ended, Walk
from services.sync_core.domain import RULES_REVISION, Event
from services.sync_core.log.append import EventLog
from services.sync_core.log.connection import Pool
from services.sync_core.log.facts import read_fact
from services.sync_core.log.outbox import LogOutbox
from shared.contracts import bling_gateway as bling
from shared.contracts import hub_gateway as hub
from shared.contracts import parse_message
from shared.contracts import sync_core as core
from shared.contracts.account import Mapping
from tests.sync_core import golden
from tests.sync_core.database import CoreDatabase
from tests.sync_core.domain.core import ORDER, ORDER_ID, Core
from tests.sync_core.domain.test_trouble import MORE_STEPS, near, play
from tests.sync_core.seller import AT, MAPPING, Seller, content
from tests.sync_core.test_outbox import ERASE, offered, registered
from tests.sync_core.walking import walked

ELSEWHERE = MAPPING.model_copy(update={"situations": MAPPING.situations | {"in_manifest": 700001}})
"""The manifest's situação is another."""


def test_with_nothing_changed_nothing_differs_in_what_these_rules_logged() -> None:
    """So the recorded decisions are what today's rules decide, and the asking is exact.

    If this fails, the rules conclude otherwise than they did: that takes the next revision, and
    its golden log.
    """
    for _, events in golden.accounts_of(f"rules-{RULES_REVISION}"):
        assert walked(events) == []
        assert walked(events, _mapping_of(events)) == []


def _mapping_of(events: Iterable[Event]) -> Mapping | None:
    """Return the account's only mapping; None if it had several."""
    data = [event.data for event in events if isinstance(event.data, core.MappingChanged)]
    mappings = [each.mapping for each in data]
    return mappings[0] if all(each == mappings[0] for each in mappings) else None


@near
@given(st.lists(MORE_STEPS, max_size=40))
def test_with_nothing_changed_nothing_differs_whatever_happens(
    steps: list[tuple[str, object]],
) -> None:
    world = play(steps)
    world.fall_silent()

    assert walked(world.core.log) == []


def test_what_earlier_rules_decided_otherwise_is_told() -> None:
    """Rules before revision 2 did not say why content could not be changed any more."""
    found = [each for _, events in golden.accounts_of("rules-1") for each in walked(events)]

    (differing,) = [each for each in found if isinstance(each, Differing)]
    assert differing.decided is not None
    assert differing.would_be is not None
    assert isinstance(differing.decided.data, core.OrderReasonRaised)
    assert isinstance(differing.would_be.data, core.OrderReasonRaised)
    assert (differing.decided.data.code, differing.decided.data.details) == ("content_locked", ())
    assert differing.would_be.data.details == ("locked",)


async def test_another_mapping_writes_another_situation_and_the_order_ends_there(
    log: EventLog, core_database: CoreDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seller = await registered(log, orders=2)
    await _in_manifest(log, seller, 1)
    await _in_manifest(log, seller, 1, hub_sequence=2, status="awaiting_dispatch")

    result = await _asked(core_database, monkeypatch, seller, tmp_path, ELSEWHERE, "--json")

    found = [json.loads(line) for line in result.stdout.splitlines()]
    differing = [each for each in found if "would_be" in each]
    assert result.exit_code == 1
    assert {each["stream"] for each in differing} == {"order-1"}
    (write,) = [each for each in differing if each["decided"]["type"] == "bling.set_situation"]
    assert write["decided"]["data"]["target"] == 883047
    assert write["would_be"]["data"]["target"] == 700001
    assert write["would_be"]["sentence"].startswith("Gravar nº 700001 no Bling")
    assert len({each["position"] for each in differing}) == 1, "what came later is not told"
    ended = [each for each in found if "ended_at" in each]
    assert [(each["stream"], each["ended_at"]) for each in ended] == [
        ("order-1", differing[0]["position"])
    ]


async def test_the_same_mapping_lists_nothing(
    log: EventLog, core_database: CoreDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two orders that waited for one product, over the append path itself."""
    seller = await registered(log, orders=3)
    await _in_manifest(log, seller, 2)

    result = await _asked(core_database, monkeypatch, seller, tmp_path, MAPPING)

    assert result.exit_code == 0, result.output
    assert "0 decisions differ" in result.output


async def test_what_the_relay_logged_is_nothing_that_was_decided(
    log: EventLog,
    owner: Pool,
    core_database: CoreDatabase,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seller = await registered(log)
    await owner.execute(ERASE, seller.id)
    await offered(LogOutbox(log), seller)
    withdrawn = "SELECT count(*) FROM event_log WHERE account_id = $1 AND type = $2"
    assert await owner.fetchval(withdrawn, seller.id, core.CommandWithdrawn.TYPE) == 1

    result = await _asked(core_database, monkeypatch, seller, tmp_path, MAPPING)

    assert result.exit_code == 0, result.output


async def test_people_read_what_was_and_what_would_have_been_in_words(
    log: EventLog, core_database: CoreDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seller = await registered(log)
    await _in_manifest(log, seller, 1)
    monkeypatch.setenv("COLUMNS", "200")

    result = await _asked(core_database, monkeypatch, seller, tmp_path, ELSEWHERE)

    assert "would be:       Gravar nº 700001 no Bling" in result.output
    assert "order-1: not exact after position" in result.output
    assert "exact up to each first difference" in result.output


async def test_a_product_that_differs_ends_the_orders_that_look_at_it(log: EventLog) -> None:
    """What is decided about them came of what was decided about the product."""
    walk = Walk()
    product = _event("product-5", core.ProductSendRequested(), position=1)

    ended = [*walk.miss("product-5", 1, "bling.product.dreamt:1")]
    found = [*walk.take(product), *walk.finish()]

    assert ended == [Ended("product-5", 1, "bling.product.dreamt:1")]
    assert found == []


def test_what_a_person_is_only_told_about_the_account_ends_no_order() -> None:
    """A mapping with a situação that Bling lacks raises a reason of the account, and goes on."""
    made = Core.live()
    definition = {"name": "Em romaneio"}
    listed = [{"id": number} | definition for number in MAPPING.situations.values()]
    made.fact(
        bling.SituationsObserved.model_validate({"situations": listed, "roles": {}}), "account"
    )

    found = walked([*made.log, *_order_read(made)], ELSEWHERE)

    (differing,) = [each for each in found if isinstance(each, Differing)]
    assert isinstance(differing.would_be and differing.would_be.data, core.AccountReasonRaised)
    assert found == [differing]


def test_an_account_that_differs_in_what_rules_look_at_ends_its_orders() -> None:
    made = Core.live()
    walk = Walk()
    for event in made.log:
        assert [*walk.take(event)] == []

    ended = [*walk.miss("account", 99, "account.dreamt:1")]
    found = [each for event in _order_read(made) for each in walk.take(event)]

    assert ended == [Ended("account", 99, "account.dreamt:1")]
    assert [(each.stream, each.of) for each in found if isinstance(each, Ended)] == [
        (ORDER, "account")
    ]


def _order_read(made: Core) -> list[Event]:
    """Let Bling show the order at its start; return what is logged of it."""
    read = Seller().observed(ORDER_ID, content=content())
    return made.fact(parse_message(read))


def test_a_type_that_these_rules_cannot_read_ends_its_stream() -> None:
    line = {
        "stream": "order-7",
        "position": 3,
        "type": "bling.order.dreamt",
        "schema_version": 1,
        "data": "{}",
    }

    answer = Host().answer({"ask": "walk", "mapping": None, "events": [line], "last": True})

    assert answer == {"found": [{"stream": "order-7", "ended_at": 3, "of": "bling.order.dreamt:1"}]}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "Say what to try"),
        (["--mapping", "/no/such/file"], "/no/such/file cannot be read"),
        (["--mapping", "{tmp}/empty.json"], "is no mapping: situations Field required"),
        (["--rules", "no-such-revision"], "git knows no revision no-such-revision"),
        (["--rules", "--all"], "git knows no revision --all"),
    ],
)
def test_what_cannot_be_tried_is_said_in_one_sentence(
    core_database: CoreDatabase,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    told: str,
) -> None:
    (tmp_path / "empty.json").write_text("{}")
    monkeypatch.setenv("SYNC_CORE_DATABASE_URL", core_database.service_url)

    given = [each.format(tmp=tmp_path) for each in arguments]
    result = CliRunner().invoke(app, ["audit", "what-if", *given])

    assert result.exit_code == 2
    assert told in " ".join(result.output.split())


def _event(stream: str, data: Any, *, position: int) -> Event:
    return Event(
        id=Seller().id,
        stream=stream,
        kind="human",
        position=position,
        recorded_at=AT,
        occurred_at=AT,
        data=data,
    )


async def _in_manifest(
    log: EventLog,
    seller: Seller,
    order_id: int,
    *,
    hub_sequence: int = 1,
    status: str = "in_manifest",
) -> None:
    moved = hub.OrderStatusChanged(
        shipment=1, hub_sequence=hub_sequence, happened_at=AT, status=status
    )
    fact = seller.fact(moved, f"order-{order_id}", source=hub.SOURCE)
    async with log.writing(seller.partition, [seller.id]) as writing:
        await writing.append([read_fact(fact.encode(), fact.partition).incoming])


async def _asked(
    database: CoreDatabase,
    monkeypatch: pytest.MonkeyPatch,
    seller: Seller,
    folder: Path,
    mapping: Mapping,
    *more: str,
) -> Result:
    file = folder / "mapping.json"
    file.write_text(mapping.model_dump_json())
    monkeypatch.setenv("SYNC_CORE_DATABASE_URL", database.service_url)
    arguments = ["what-if", "--mapping", str(file), "--account", str(seller.id), *more]
    return await asyncio.to_thread(CliRunner().invoke, app, ["audit", *arguments])
