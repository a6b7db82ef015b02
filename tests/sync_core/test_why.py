"""Each decision, and each decision to write nothing, has a sentence for the seller."""

import re
from collections.abc import Iterator
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.sync_core.audit.concluded import AFTER
from services.sync_core.audit.sentences import TEMPLATES
from services.sync_core.audit.timeline import TimelineEntry, find_order, timeline
from services.sync_core.audit.why import BECAUSE, whys
from services.sync_core.audit.words import Words
from services.sync_core.domain import ACCOUNT_REASONS, REASONS, RULES_REVISION, Event, OrderState
from services.sync_core.domain.explain import Judgement, explain
from services.sync_core.domain.verdict import Cause
from services.sync_core.log.append import EventLog
from services.sync_core.log.connection import Pool
from shared.contracts import bling_gateway as bling
from shared.contracts import sync_core as core
from shared.contracts.account import Mode
from tests.sync_core import golden
from tests.sync_core.api import take
from tests.sync_core.domain.core import ORDER_ID
from tests.sync_core.domain.test_interleavings import many
from tests.sync_core.domain.test_trouble import MORE_STEPS, play
from tests.sync_core.seller import CANCELLED, DONE, MAPPING, OPEN, START
from tests.sync_core.story import Story

IN_MANIFEST, AWAITING, IN_TRANSIT = 883047, 883048, 883049
NAMES = {IN_MANIFEST: "Em romaneio", AWAITING: "Aguardando coleta", IN_TRANSIT: "Em rota"}
NOTHING = "Nada foi gravado no Bling, porque "


def orders_of(name: str) -> Iterator[tuple[OrderState, list[Event]]]:
    """Give each order of a golden log, with its account's events and those of products."""
    for _, events in golden.accounts_of(name):
        for stream in sorted({each.stream for each in events if "order-" in each.stream}):
            order = OrderState(order_id=int(stream.removeprefix("order-")))
            yield order, [each for each in events if each.stream in about(stream, events)]


def about(order: str, events: list[Event]) -> set[str]:
    """Name an order's stream, the account's and those of all products."""
    return {order} | {each.stream for each in events if not each.stream.startswith("order-")}


async def entries(pool: Pool, story: Story) -> list[TimelineEntry]:
    told_order = await find_order(pool, story.seller.id, 1)
    assert told_order is not None
    return await timeline(pool, told_order, limit=1000)


async def last(pool: Pool, story: Story, type_: str) -> str | None:
    """Return the explanation of the last entry of this type."""
    return [entry for entry in await entries(pool, story) if entry.type == type_][-1].why


async def named(log: EventLog) -> Story:
    """Return an order at 360Hub, in an account whose situações have names."""
    story = await Story.begun(log)
    named = [bling.SituationDefinition(id=known, name=name) for known, name in NAMES.items()]
    told = bling.SituationsObserved(situations=tuple(named), roles={}, transitions=None)
    await take(log, story.seller, story.seller.fact(told, "account"))
    return story


async def test_a_write_is_explained_by_what_both_sides_showed(pool: Pool, log: EventLog) -> None:
    story = await named(log)
    await story.status("in_manifest")

    assert await last(pool, story, core.SetSituation.TYPE) == (
        "Mandamos gravar “Em romaneio” no Bling no lugar de “Em andamento”, porque a 360Hub mostra"
        " “em romaneio” e o Bling ainda mostrava “Em andamento”, a última situação em que os dois"
        " lados concordavam."
    )


async def test_a_conflict_names_nobody(pool: Pool, log: EventLog) -> None:
    story = await named(log)
    await story.shows(IN_TRANSIT)

    assert await last(pool, story, bling.OrderObserved.TYPE) == (
        f"{NOTHING}ele mostra “Em rota” (alterado no Bling, autor não informado), e não"
        " “Em andamento”, em que os dois lados concordavam; a 360Hub pede “Em andamento”, e o que"
        " não foi gravado por nós não é sobrescrito."
    )


@pytest.mark.parametrize(
    ("shown", "because"),
    [
        (START, "ele já mostra “Em andamento”, que é o que a 360Hub pede (“pedido criado”)."),
        (
            OPEN,
            "ele mostra “Em aberto” (alterado no Bling, autor não informado), que não faz",
        ),
        (DONE, "ele mostra “Atendido” (alterado no Bling, autor não informado) antes de a transp"),
        (24, "ele mostra “Verificado”, uma situação de passagem, e a 360Hub não andou desde que"),
        (CANCELLED, "o cancelamento pedido à 360Hub ainda não foi respondido."),
    ],
)
async def test_what_bling_shows_is_why_nothing_is_written(
    pool: Pool, log: EventLog, shown: int, because: str
) -> None:
    story = await Story.begun(log)
    await story.shows(shown)

    found = await last(pool, story, bling.OrderObserved.TYPE)

    assert found is not None
    assert found.startswith(NOTHING + because)


async def test_what_bling_said_is_quoted(pool: Pool, log: EventLog) -> None:
    story = await named(log)
    await story.status("in_manifest")
    await story.refused(IN_MANIFEST, "Transição não permitida.")

    assert await last(pool, story, bling.SituationRefused.TYPE) == (
        f'{NOTHING}ele recusou “Em romaneio”, que a 360Hub pede (“em romaneio”): "Transição'
        ' não permitida".'
    )


async def test_an_answer_that_is_awaited_is_why_nothing_is_written(
    pool: Pool, log: EventLog
) -> None:
    story = await named(log)
    await story.status("in_manifest")
    await story.status("awaiting_dispatch")

    assert await last(pool, story, "hub.order.status_changed") == (
        f"{NOTHING}ele ainda não respondeu à gravação anterior, de “Em romaneio”."
    )


async def test_mode_and_mapping_are_those_of_the_moment(pool: Pool, log: EventLog) -> None:
    story = await named(log)
    observing = core.ModeChanged(mode=Mode(to_hub="live", to_bling="observe"))
    await story.person("account", observing)
    await story.status("in_manifest")
    unwritten = MAPPING.model_copy(
        update={"situations": {**MAPPING.situations, "awaiting_dispatch": None}}
    )
    await story.person("account", core.MappingChanged(mapping=unwritten))
    await story.status("awaiting_dispatch")
    await story.person("account", core.MappingChanged(mapping=MAPPING))
    live = core.ModeChanged(mode=Mode(to_hub="live", to_bling="live"))
    await story.person("account", live)

    assert await last(pool, story, core.SetSituation.TYPE) == (
        f"{NOTHING}a conta está em modo observação; seria gravado “Em romaneio”, porque a"
        " 360Hub mostra “em romaneio” e o Bling ainda mostrava “Em andamento”, a última situação em"
        " que os dois lados concordavam."
    )
    assert await last(pool, story, "hub.order.status_changed") == (
        f"{NOTHING}a conta escolheu não gravar nada para o status “aguardando envio” da 360Hub."
    )


async def test_what_a_person_kept_stays_explained(pool: Pool, log: EventLog) -> None:
    story = await named(log)
    await story.shows(IN_TRANSIT)
    await story.person("order-1", core.OrderSettled(choice="keep_bling", seen=IN_TRANSIT))

    assert await last(pool, story, core.OrderSettled.TYPE) == (
        f"{NOTHING}uma pessoa escolheu manter “Em rota”; a 360Hub pedia “Em andamento”."
    )


async def test_every_decision_is_explained(pool: Pool, log: EventLog) -> None:
    story = await named(log)
    await story.status("in_manifest")
    await story.written(IN_MANIFEST)
    await story.shows(CANCELLED)

    told = await entries(pool, story)

    decided = [each for each in told if each.kind in ("decision", "command", "withheld")]
    assert {core.OrderStarted.TYPE, core.RegisterOrder.TYPE, core.CancelOrder.TYPE} <= {
        each.type for each in decided
    }
    assert [each for each in decided if not each.why or not each.why.endswith(".")] == []
    assert await last(pool, story, core.CancelOrder.TYPE) == (
        "Mandamos cancelar o pedido na 360Hub, porque o Bling mostra “Cancelado” (alterado no"
        " Bling, autor não informado)."
    )


@pytest.mark.parametrize("name", golden.names())
def test_what_rules_of_before_logged_is_explained_or_said_not_to_be(name: str) -> None:
    """What is logged by today's rules fits; whatever is logged, nobody is left without a word."""
    explained: list[Judgement] = []
    for order, events in orders_of(name):
        steps = list(explain(order, events))
        told = whys(order, events, Words())
        explained += [step.judgement for step in steps if step.judgement]
        assert all(told[s.event.id] for s in steps if s.judgement and not s.judgement.logged)

    assert explained
    today = name == f"rules-{RULES_REVISION}"
    assert not today or all(judgement.fits for judgement in explained)


def test_every_cause_has_its_words_and_none_names_an_author() -> None:
    assert set(BECAUSE) == set(get_args(Cause))
    reasons = [reason.sentence for reason in (*REASONS.values(), *ACCOUNT_REASONS.values())]
    said = [*BECAUSE.values(), *TEMPLATES.values(), *reasons]
    assert [each for each in said if "vendedor" in each or "lojista" in each] == []


RAW = re.compile(r"[a-z]+[_.][a-z]+|None|[{}]")
"""What only a programmer reads."""


def unfinished(order: OrderState, events: list[Event]) -> list[tuple[str, str | None]]:
    """Return what was decided or sent and has no whole sentence that a seller can read."""
    told = whys(order, events, Words())
    decided = [
        each
        for each in events
        if each.kind in ("decision", "command", "withheld") and each.stream != "account"
    ]
    said = [(each.data.TYPE, told.get(each.id)) for each in decided]
    return [(type_, why) for type_, why in said if why is None or not is_whole(why)]


def is_whole(why: str) -> bool:
    """Whether the text begins with what was done, ends, and holds no code."""
    begun = why[0].isupper() and not why.startswith("Por")
    return begun and why.endswith(".") and ".." not in why and RAW.search(why) is None


@pytest.mark.parametrize("name", golden.names())
def test_whatever_was_decided_before_has_a_whole_sentence(name: str) -> None:
    assert [each for order, events in orders_of(name) for each in unfinished(order, events)] == []


@settings(many, max_examples=100)
@given(st.lists(MORE_STEPS, max_size=40))
def test_whatever_is_decided_in_a_life_has_a_whole_sentence(
    steps: list[tuple[str, object]],
) -> None:
    world = play(steps)
    world.fall_silent()

    log = world.core.log
    assert unfinished(OrderState(order_id=ORDER_ID), log) == []
    cleared = (core.OrderReasonCleared, core.OrderDeadlineCleared)
    causes = {each.causation_id for each in log if isinstance(each.data, cleared)}
    assert {each.data.TYPE for each in log if each.id in causes} <= AFTER.keys()
