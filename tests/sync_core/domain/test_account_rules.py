"""The rules of an account: situações, side effects, pauses, connections, imports."""

from datetime import date
from typing import get_args
from uuid import uuid4

import pytest

from services.sync_core.audit.explanations import explanations
from services.sync_core.audit.words import Words
from services.sync_core.domain import (
    ACCOUNT_REASONS,
    new_side_effects,
    proposed_mapping,
    side_effects,
)
from shared.contracts import Contract
from shared.contracts import bling_gateway as bling
from shared.contracts import hub_gateway as hub
from shared.contracts import sync_core as core
from shared.contracts.account import Mode, Policies
from tests.sync_core.domain.core import (
    CANCELLED,
    CHECKED,
    DONE,
    MANIFEST,
    MAPPING,
    NOW,
    OPEN,
    PICKUP,
    START,
    TRANSIT,
    Core,
)

ACCOUNT = "account"
CUSTOM = 447110
ROLES: dict[bling.Role, int] = {
    "in_manifest": MANIFEST,
    "awaiting_pickup": PICKUP,
    "in_transit": TRANSIT,
}
NAMES = {
    START: "Em andamento",
    DONE: "Atendido",
    CANCELLED: "Cancelado",
    MANIFEST: "Em romaneio",
    PICKUP: "Aguardando coleta",
    TRANSIT: "Em rota de entrega",
}


def definitions(names: dict[int, str]) -> tuple[bling.SituationDefinition, ...]:
    return tuple(bling.SituationDefinition(id=known, name=name) for known, name in names.items())


def listed(names: dict[int, str] | None = None, **more: object) -> bling.SituationsObserved:
    """Return the account's list of situações, every role played unless said otherwise."""
    known = {"situations": definitions(names or NAMES), "roles": ROLES}
    return bling.SituationsObserved.model_validate(known | more)


def transition(number: int, destination: int, *actions: str, active: bool = True) -> object:
    return bling.Transition(
        id=number, active=active, origin=START, destination=destination, actions=actions
    )


def created() -> Core:
    """Return a core whose account was made, and not yet connected."""
    made = Core()
    made.human(ACCOUNT, core.AccountCreated(name="Loja Aurora", tag="k7p2qx"))
    made.sent.clear()
    return made


def sent(made: Core) -> list[str]:
    return [event.data.TYPE for event in made.sent]


class TestConnecting:
    def test_a_connected_bling_is_asked_what_it_has(self) -> None:
        made = created()

        made.fact(bling.AccountConnected(company_id="c1"), ACCOUNT)

        assert sent(made) == ["bling.ensure_situations", "bling.read_entry_options"]

    def test_the_situations_make_the_first_mapping(self) -> None:
        made = created()

        made.fact(listed(), ACCOUNT)

        assert made.account.mapping == MAPPING

    def test_the_first_mapping_waits_until_every_role_is_played(self) -> None:
        made = created()
        roles = {role: known for role, known in ROLES.items() if role != "in_transit"}

        made.fact(listed(roles=roles), ACCOUNT)

        assert made.account.mapping is None

    @pytest.mark.parametrize(
        ("lost", "back", "code"),
        [
            (
                bling.AccountDisconnected(cause="invalid_grant"),
                bling.AccountConnected(company_id="c1"),
                "bling_disconnected",
            ),
            (
                hub.AccountDisconnected(cause="invalid_grant"),
                hub.AccountConnected(hub_account_id="h1"),
                "hub_disconnected",
            ),
        ],
    )
    def test_a_lost_connection_is_a_reason_until_it_is_back(
        self, lost: Contract, back: Contract, code: str
    ) -> None:
        made = Core.live()

        made.fact(lost, ACCOUNT)
        assert made.account.reasons == {code: ("cause:invalid_grant",)}

        made.fact(back, ACCOUNT)
        assert made.account.reasons == {}

    @pytest.mark.parametrize(
        ("paused", "resumed", "code"),
        [
            (bling.AccountPaused, bling.AccountResumed, "bling_paused"),
            (hub.AccountPaused, hub.AccountResumed, "hub_paused"),
        ],
    )
    def test_a_pause_is_a_reason_of_its_side_with_its_cause(
        self, paused: type[Contract], resumed: type[Contract], code: str
    ) -> None:
        made = Core.live()

        made.fact(paused.model_validate({"by": "ana", "reason": "inventário"}), ACCOUNT)
        assert made.account.reasons == {code: ("message:inventário",)}

        made.fact(resumed.model_validate({"by": "ana"}), ACCOUNT)
        assert made.account.reasons == {}

    @pytest.mark.parametrize(
        ("wish", "command"),
        [
            (core.PauseRequested(reason="férias"), "account.pause"),
            (core.ResumeRequested(), "account.resume"),
            (core.DisconnectionRequested(side="hub"), "account.disconnect"),
            (core.EntryOptionsRequested(), "bling.read_entry_options"),
            (core.ImportRequested(since=date(2026, 3, 1)), "bling.import_orders"),
        ],
    )
    def test_a_persons_wish_is_passed_on(self, wish: Contract, command: str) -> None:
        made = Core.live()

        made.human(ACCOUNT, wish)

        assert sent(made) == [command]

    def test_webhooks_that_stay_away_are_a_reason_until_they_come_again(self) -> None:
        made = Core.live()

        made.fact(bling.WebhooksSilent(since=NOW, missed=3), ACCOUNT)
        assert made.account.reasons == {
            "webhooks_silent": ("missed:3", "since:2026-03-10T12:00:00+00:00")
        }

        made.fact(bling.WebhooksHeard(), ACCOUNT)
        assert made.account.reasons == {}


class TestWhatTheHubLacks:
    def test_it_is_a_reason_that_needs_nobody_until_nothing_is_missing(self) -> None:
        made = Core.live()
        lacks: tuple[hub.Capability, ...] = ("holds", "webhooks")

        made.fact(hub.AccountConnected(hub_account_id="h1", lacks=lacks), ACCOUNT)
        assert made.account.reasons == {"hub_lacks": lacks}
        assert not ACCOUNT_REASONS["hub_lacks"].needs_person

        made.fact(hub.AccountConnected(hub_account_id="h1"), ACCOUNT)
        assert made.account.reasons == {}

    def test_every_capability_is_told_in_words(self) -> None:
        lacks = get_args(hub.Capability)

        told = explanations("hub_lacks", lacks, Words())

        assert not set(told) & set(lacks)
        assert len(set(told)) == len(lacks)


class TestSituations:
    def test_names_follow_and_a_deleted_one_is_still_called_by_its_last(self) -> None:
        made = Core.live()
        made.fact(listed(), ACCOUNT)
        made.fact(listed(NAMES | {MANIFEST: "No romaneio"}), ACCOUNT)

        left = {known: name for known, name in NAMES.items() if known != MANIFEST}
        made.fact(listed(left), ACCOUNT)

        assert made.account.former == definitions({MANIFEST: "No romaneio"})

    def test_a_mapped_situation_that_vanished_is_a_reason_until_the_mapping_changes(self) -> None:
        made = Core.live()
        left = {known: name for known, name in NAMES.items() if known != PICKUP}

        made.fact(listed(left), ACCOUNT)
        assert made.account.reasons == {"situation_deleted": (f"deleted:{PICKUP}",)}

        other = MAPPING.situations | {"awaiting_dispatch": None}
        changed = MAPPING.model_copy(update={"situations": other})
        made.human(ACCOUNT, core.MappingChanged(mapping=changed))
        assert made.account.reasons == {}

    def test_blings_own_situations_are_never_missed(self) -> None:
        made = Core.live()

        made.fact(listed({MANIFEST: "a", PICKUP: "b", TRANSIT: "c"}), ACCOUNT)

        assert made.account.reasons == {}

    def test_an_unusable_situation_is_a_reason_until_a_mapping_is_chosen(self) -> None:
        made = created()
        unusable = bling.UnusableSituation(role="in_transit", id=CUSTOM, inherits=DONE)

        made.fact(listed(roles={}, unusable=(unusable,)), ACCOUNT)
        assert made.account.reasons == {"situation_unusable": (f"unusable:{CUSTOM}",)}

        made.human(ACCOUNT, core.MappingChanged(mapping=MAPPING))
        assert "situation_unusable" not in made.account.reasons

    def test_a_refused_creation_is_told_in_blings_words_and_tried_again_on_request(self) -> None:
        made = created()
        refused = bling.SituationsRefused(
            action="create", name="Em romaneio", code=2, message="Limite de situações"
        )

        made.fact(refused, ACCOUNT)
        made.fact(listed({START: "Em andamento"}, roles={}), ACCOUNT)
        assert made.account.reasons == {
            "situations_refused": ("create:Em romaneio", "message:Limite de situações")
        }

        made.human(ACCOUNT, core.EntryOptionsRequested())
        assert sent(made) == ["bling.ensure_situations", "bling.read_entry_options"]
        made.fact(listed(), ACCOUNT)
        assert made.account.reasons == {}

    def test_several_refused_creations_are_all_named_until_each_is_there(self) -> None:
        made = created()
        limit, other = "Limite de situações", "Nome inválido"
        refused = {"Em romaneio": limit, "Aguardando coleta": limit, "Em rota": other}
        made.fact(listed({START: "Em andamento"}, roles={}), ACCOUNT)
        for name, said in refused.items():
            made.fact(bling.SituationsRefused(action="create", name=name, message=said), ACCOUNT)

        assert made.account.reasons["situations_refused"] == (
            *("create:Em romaneio", "create:Aguardando coleta", f"message:{limit}"),
            *("create:Em rota", f"message:{other}"),
        )

        again = bling.SituationsRefused(action="create", name="Em rota", message=limit)
        made.fact(again, ACCOUNT)
        made.fact(listed({START: "Em andamento", PICKUP: "aguardando coleta "}, roles={}), ACCOUNT)
        assert made.account.reasons == {
            "situations_refused": ("create:Em romaneio", "create:Em rota", f"message:{limit}")
        }

    def test_situations_that_cannot_be_read_are_a_reason_until_they_are(self) -> None:
        made = Core.live()

        made.fact(bling.SituationsRefused(action="read", message="Sem permissão"), ACCOUNT)
        assert made.account.reasons == {"situations_refused": ("read", "message:Sem permissão")}

        made.fact(listed(), ACCOUNT)
        assert made.account.reasons == {}


class TestSideEffects:
    def test_what_our_writes_set_off_is_listed_and_nothing_else(self) -> None:
        made = Core.live()
        stock = transition(1, MANIFEST, "lancarEstoque")

        made.fact(
            listed(
                transitions=(
                    stock,
                    transition(2, MANIFEST, "lancarContas", active=False),
                    transition(3, PICKUP),
                    transition(4, CUSTOM, "lancarEstoque"),
                    transition(5, CANCELLED, "estornarEstoque"),
                )
            ),
            ACCOUNT,
        )

        assert side_effects(made.account) == (stock,)
        assert made.account.reasons == {
            "new_side_effects": (f"transition:{START}:{MANIFEST}:lancarEstoque",)
        }

    def test_cancelling_counts_where_the_account_wants_it_written(self) -> None:
        made = Core.live()
        reversal = transition(5, CANCELLED, "estornarEstoque")
        made.fact(listed(transitions=(reversal,)), ACCOUNT)

        made.human(ACCOUNT, core.PoliciesChanged(policies=Policies(hub_cancellation="write")))

        assert side_effects(made.account) == (reversal,)

    def test_what_was_accepted_is_no_reason_until_it_does_something_else(self) -> None:
        made = Core.live()
        made.fact(listed(transitions=(transition(1, DONE, "lancarEstoque"),)), ACCOUNT)

        made.human(ACCOUNT, core.SideEffectsAccepted(transitions=(1, 99)))
        assert made.account.reasons == {}

        more = transition(1, DONE, "lancarEstoque", "lancarContas")
        made.fact(listed(transitions=(more,)), ACCOUNT)
        assert new_side_effects(made.account) == (more,)
        assert set(made.account.reasons) == {"new_side_effects"}

    def test_the_proposal_places_what_orders_showed_lately(self) -> None:
        """Pitfall 27: what Bling itself moves orders to is no human's protest; see what occurs."""
        made = Core.live()
        seen = {START: 3, MANIFEST: 3, OPEN: 0, 21: 10, 18: 4, 500: 2, CANCELLED: 2, CUSTOM: 3}
        seen_lately = tuple(bling.Situation(id=known, value=v) for known, v in seen.items())
        unsure = bling.Situation(id=501, value=None)

        made.fact(listed(seen_lately=(*seen_lately, unsure)), ACCOUNT)

        proposed = proposed_mapping(made.account)
        assert proposed is not None
        assert proposed.pass_through == (18, CHECKED, CUSTOM)
        assert proposed.also_cancelled == (500,)
        assert proposed.situations == MAPPING.situations

    def test_without_a_mapping_nothing_is_proposed(self) -> None:
        made = created()

        assert proposed_mapping(made.account) is None
        assert side_effects(made.account) == ()


class TestParked:
    def parked(self, made: Core, command_type: str) -> bling.CommandParked:
        (command,) = [event for event in made.sent if command_type == event.data.TYPE]
        return bling.CommandParked(command_id=command.id, command_type=command_type, cause="x")

    def test_an_accounts_parked_command_is_a_reason_and_is_taken_up_again(self) -> None:
        made = Core.live()
        made.human(ACCOUNT, core.EntryOptionsRequested())
        parked = self.parked(made, "bling.read_entry_options")
        made.fact(parked, ACCOUNT)
        assert made.account.reasons == {"account_parked": ("bling.read_entry_options",)}
        made.sent.clear()

        made.human(ACCOUNT, core.RetryRequested())

        (again,) = made.sent
        assert again.data == core.RetryWork(command_id=parked.command_id)
        assert made.account.reasons == {}

    @pytest.mark.parametrize("told", ["superseded", "discarded", "answered"])
    def test_it_is_no_reason_once_it_is_settled_otherwise(self, told: str) -> None:
        made = created()
        made.fact(bling.AccountConnected(company_id="c1"), ACCOUNT)
        parked = self.parked(made, "bling.ensure_situations")
        made.fact(parked, ACCOUNT)
        base = {"command_id": parked.command_id, "command_type": parked.command_type}

        match told:
            case "superseded":
                news = bling.CommandSuperseded.model_validate(base | {"superseded_by": uuid4()})
                made.fact(news, ACCOUNT)
            case "discarded":
                made.fact(bling.CommandDiscarded.model_validate(base | {"cause": "x"}), ACCOUNT)
            case "answered":
                made.fact(listed(), ACCOUNT)

        assert made.account.reasons == {}


class TestImport:
    def test_an_import_asks_for_the_start_situation_and_its_progress_is_kept(self) -> None:
        made = Core.live()

        made.human(ACCOUNT, core.ImportRequested(since=date(2026, 2, 1)))
        (asked,) = made.sent
        assert asked.data == core.ImportOrders(situations=(START,), since=date(2026, 2, 1))
        self.tell(made, asked.id, found=7, read=3)

        assert made.account.importing is not None
        assert made.account.importing.model_dump(exclude={"command_id"}) == {
            "since": date(2026, 2, 1),
            "found": 7,
            "read": 3,
            "finished": False,
        }

    def test_an_earlier_imports_progress_is_not_the_present_ones(self) -> None:
        made = Core.live()
        made.human(ACCOUNT, core.ImportRequested(since=date(2026, 2, 1)))
        made.human(ACCOUNT, core.ImportRequested(since=date(2026, 1, 1)))

        self.tell(made, made.sent[0].id, found=7, read=7)

        assert made.account.importing is not None
        assert (made.account.importing.since, made.account.importing.read) == (date(2026, 1, 1), 0)

    def test_an_import_that_was_given_up_is_not_waited_for(self) -> None:
        made = Core.live()
        made.human(ACCOUNT, core.ImportRequested(since=date(2026, 2, 1)))
        base = {"command_id": made.sent[0].id, "command_type": "bling.import_orders"}

        made.fact(bling.CommandParked.model_validate(base | {"cause": "timeout"}), ACCOUNT)
        made.fact(bling.CommandDiscarded.model_validate(base | {"cause": "typo"}), ACCOUNT)

        assert made.account.importing is None

    def test_without_a_mapping_nothing_can_be_imported(self) -> None:
        made = created()

        made.human(ACCOUNT, core.ImportRequested(since=date(2026, 2, 1)))

        assert made.sent == []

    def tell(self, made: Core, command_id: object, *, found: int, read: int) -> None:
        told = {"command_id": command_id, "found": found, "read": read, "finished": False}
        made.fact(bling.ImportProgressed.model_validate(told), ACCOUNT)


def test_observing_reads_what_there_is_to_choose_from() -> None:
    """Reading is no sending: an account that only observes needs it most."""
    made = Core.live()
    made.human(ACCOUNT, core.ModeChanged(mode=Mode()))

    made.human(ACCOUNT, core.ImportRequested(since=date(2026, 2, 1)))

    assert sent(made) == ["bling.import_orders"]


def test_the_same_list_again_raises_nothing_again() -> None:
    made = Core.live()
    observed = listed(transitions=(transition(1, DONE, "lancarEstoque"),))

    made.fact(observed, ACCOUNT)
    before = len(made.log)
    made.fact(observed, ACCOUNT)

    assert len(made.log) == before + 1


def test_every_reason_says_what_settles_it_or_needs_nobody() -> None:
    for code, reason in ACCOUNT_REASONS.items():
        assert reason.actions or not reason.needs_person, code
