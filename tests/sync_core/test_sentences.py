"""Every type has its sentence, and sentences say what a person needs."""

from datetime import UTC, datetime
from typing import Any, Literal, get_args
from uuid import uuid4

import pytest

from services.bling_gateway.errors import MisshapenError, RefusedError
from services.hub_gateway.port import MisunderstoodError
from services.sync_core.audit.sentences import TEMPLATES, sentence
from services.sync_core.audit.words import Words
from services.sync_core.domain import ACCOUNT_REASONS, REASONS, Event
from shared.contracts import CONTRACTS, Contract
from shared.contracts import bling_gateway as bling
from shared.contracts import hub_gateway as hub
from shared.contracts import sync_core as core
from tests.sync_core.seller import AT, Seller

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
NAMES = (bling.SituationDefinition(id=883047, name="Em romaneio"),)


def told(
    data: Contract, kind: Literal["fact", "command", "withheld", "human"] = "fact", **more: Any
) -> str:
    event = Event(
        id=uuid4(),
        stream="order-1",
        kind=kind,
        position=1,
        recorded_at=NOW,
        occurred_at=NOW,
        data=data,
        **more,
    )
    return sentence(event, Words(NAMES))


def test_every_type_has_its_sentence() -> None:
    assert TEMPLATES.keys() == CONTRACTS.keys()


@pytest.mark.parametrize("type_", sorted(TEMPLATES))
def test_every_place_of_a_sentence_is_a_field_of_its_type(type_: str) -> None:
    for _, place, words, _ in Words().parse(TEMPLATES[type_]):
        if place is not None:
            assert place.split(".")[0] in CONTRACTS[type_].model_fields
            assert Words().format_field(15, words or "") if words != "count" else True


def test_situations_are_called_by_their_names() -> None:
    write = core.SetSituation(order_id=1, shipment=1, target=883047, expected=15)

    assert told(write, "command") == (
        "Gravar “Em romaneio” no Bling, se ele ainda mostrar “Em andamento”"
    )


def test_what_is_withheld_says_so() -> None:
    cancel = core.CancelOrder(
        order_id=1, shipment=1, reference="r", version=2, reason_code="cancelled_in_erp"
    )

    assert told(cancel, "withheld") == (
        "Não enviado (modo observação): cancelar a remessa 1 na 360Hub"
    )


def test_a_person_is_named() -> None:
    assert told(core.StartConfirmed(), "human", actor="console/Ana") == (
        "Confirmado: enviar o pedido à 360Hub, por console/Ana"
    )


def test_an_unknown_status_is_told_as_it_came() -> None:
    moved = hub.OrderStatusChanged(
        shipment=1, hub_sequence=3, happened_at=AT, status="beamed_up", inferred=True
    )

    assert told(moved) == "360Hub: status beamed_up (deduzido)"


def test_problems_of_the_data_are_named() -> None:
    message = Seller().observed(1)
    problems = [{"code": "no_address"}, {"code": "item_without_product", "where": "items/2"}]
    seen = bling.OrderObserved.model_validate(message.data | {"problems": problems})

    assert told(seen).endswith(
        "com dados que não podem ser enviados: pedido sem endereço de entrega; item 2 sem produto"
    )


def test_every_problem_has_its_words() -> None:
    codes = get_args(bling.Problem.model_fields["code"].annotation)

    assert [code for code in codes if Words().format_field(code, "problem") == code] == []


@pytest.mark.parametrize(
    ("holds", "ending"),
    [
        ((), "nenhuma"),
        (("fiscal_document_missing", "novelty"), "falta o documento fiscal, novelty"),
    ],
)
def test_holds_are_named(holds: tuple[str, ...], ending: str) -> None:
    changed = hub.OrderHoldChanged(
        shipment=1,
        hub_sequence=2,
        happened_at=AT,
        holds=tuple(hub.Hold(code=code) for code in holds),
    )

    assert told(changed) == f"360Hub: pendências do pedido: {ending}"


def test_labels_are_told_by_volume() -> None:
    labels = tuple(
        hub.Label(label_id=str(volume), volume=volume, status=status)
        for volume, status in ((1, "ready"), (2, "processing"))
    )
    updated = hub.OrderLabelsUpdated(shipment=1, hub_sequence=2, happened_at=AT, labels=labels)

    assert told(updated) == "360Hub: etiquetas: volume 1 pronta, volume 2 em preparo"


@pytest.mark.parametrize("code", sorted(REASONS))
def test_reasons_are_told_by_their_own_sentence(code: str) -> None:
    assert told(core.OrderReasonRaised(code=code)) == f"Atenção: {REASONS[code].sentence}"


def test_a_raised_reason_names_its_details() -> None:
    raised = core.OrderReasonRaised(
        code="held", details=("quantity_fractional:items/1", "hold:fiscal_document_missing")
    )

    assert told(raised).endswith(
        " Detalhes: item 1 com quantidade fracionada;"
        " pendência na 360Hub: falta o documento fiscal (emita a NF-e no Bling)."
    )


def test_a_conflict_names_what_each_side_wants() -> None:
    raised = core.OrderReasonRaised(code="conflict", shown=24, target=883047, status="in_manifest")

    assert told(raised).endswith(
        " Detalhes: o Bling mostra “Verificado”; a 360Hub pede “Em romaneio”."
    )


def test_a_refusal_names_the_fields() -> None:
    errors = (
        hub.FieldError(pointer="/recipient/address/postal_code", code="pattern"),
        hub.FieldError(pointer="/items/0/quantity", code="novelty", message="Pequena demais"),
    )
    refused = hub.OrderRefused(
        shipment=1, command_id=uuid4(), version=1, cause="invalid", errors=errors
    )

    assert told(refused).endswith(
        "porque há dados inválidos: CEP (formato inválido); item 1, quantidade (Pequena demais)"
    )


@pytest.mark.parametrize("code", sorted(ACCOUNT_REASONS))
def test_an_accounts_reasons_are_told_by_their_own_sentence(code: str) -> None:
    told_so = f"Atenção na conta: {ACCOUNT_REASONS[code].sentence}"

    assert told(core.AccountReasonRaised(code=code)) == told_so


def test_an_accounts_reason_names_its_details() -> None:
    raised = core.AccountReasonRaised(code="situation_deleted", details=("deleted:883047",))

    assert told(raised).endswith(" Detalhes: “Em romaneio”.")


@pytest.mark.parametrize(
    ("fact", "ending"),
    [
        (
            bling.SituationRefused(
                order_id=1,
                command_id=uuid4(),
                target=9,
                shown=bling.Situation(id=15),
                cause="refused",
                message="Sem estoque",
            ),
            'o pedido mostra “Em andamento”: "Sem estoque"',
        ),
        (
            bling.TrackingRefused(
                order_id=1, command_id=uuid4(), cause="refused", message="Parcela inválida"
            ),
            'porque o Bling não aceitou: "Parcela inválida"',
        ),
        (
            bling.SituationsRefused(action="create", name="Em romaneio", message="Limite"),
            "recusou a criação de uma situação (Limite): Em romaneio",
        ),
    ],
)
def test_a_refusal_is_told_in_blings_own_words(fact: Contract, ending: str) -> None:
    assert told(fact).endswith(ending)


def test_what_is_written_back_is_named() -> None:
    volumes = tuple(
        core.TrackedVolume(volume=volume, tracking_code=f"BR{volume}") for volume in (1, 2)
    )
    write = core.WriteTracking(order_id=1, shipment=1, volumes=volumes)

    assert told(write, "command").endswith("do pedido no Bling: volume 1 BR1, volume 2 BR2")


def test_the_filter_that_kept_an_order_out_is_named() -> None:
    held = core.OrderEntryHeld(cause="filtered", criterion="stores")

    assert told(held).endswith("ficou fora do filtro da conta: a loja do pedido")


@pytest.mark.parametrize(
    ("approval", "ending"),
    [
        (
            hub.Approval(status="awaiting_photos", photos_required=2, photos_accepted=1),
            "aguardando fotos (1 de 2 aceitas)",
        ),
        (
            hub.Approval(status="rejected", reason_code="photo_mismatch"),
            "reprovado: as fotos não mostram este produto",
        ),
        (
            hub.Approval(status="rejected", reason_code="novelty", reason="Sem marca"),
            'reprovado: novelty: "Sem marca"',
        ),
        (hub.Approval(status="beamed_up"), "beamed_up"),
    ],
)
def test_an_approval_says_why_and_what_it_waits_for(approval: hub.Approval, ending: str) -> None:
    moved = hub.ProductApprovalChanged(
        product_id=7, reference="r", approval=approval, hub_sequence=2, happened_at=AT
    )

    assert told(moved) == f"360Hub: aprovação do produto 7: {ending}"


def test_a_photo_that_is_refused_says_why() -> None:
    refused = hub.ProductPhotoRefused(
        command_id=uuid4(), product_id=7, position=2, cause="unsupported"
    )

    assert told(refused).endswith("recusada, porque a 360Hub só recebe fotos pela própria tela")


def test_what_a_connected_hub_lacks_is_told() -> None:
    connected = hub.AccountConnected(hub_account_id="h1", lacks=("holds", "photos"))

    assert told(connected).startswith("360Hub: conta conectada. Detalhes: ")
    assert "não diz por que um pedido espera" in told(connected)
    assert "não recebe fotos" in told(connected)


@pytest.mark.parametrize(
    ("scan", "ending"),
    [
        ({"scan": "in_transit", "volume": 2, "carrier_code": "T1"}, ": volume 2 em trânsito"),
        ({"scan": "delivered"}, ": entregue"),
        (
            {"scan": None, "volume": 1, "carrier_code": "X9"},
            ": volume 1 sem classificação (código da transportadora: X9)",
        ),
        ({"scan": "beamed_up", "volume": 1}, ": volume 1 beamed_up"),
    ],
)
def test_a_scan_names_its_volume_and_what_nobody_knows(scan: dict[str, Any], ending: str) -> None:
    at = {"shipment": 1, "hub_sequence": 2, "happened_at": AT}

    assert told(hub.OrderTrackingUpdated.model_validate(at | scan)).endswith(ending)


@pytest.mark.parametrize(
    ("occurrence", "ending"),
    [
        (
            {"code": "recipient_absent", "volume": 1, "attempt": 2, "carrier_code": "41"},
            ": destinatário ausente, volume 1, 2ª tentativa",
        ),
        (
            {"code": "carrier_status_unmapped", "carrier_code": "X9"},
            ": ocorrência não classificada (código da transportadora: X9)",
        ),
        (
            {"code": "drone_grounded", "carrier_code": "X9"},
            ": drone_grounded (código da transportadora: X9)",
        ),
    ],
)
@pytest.mark.parametrize("fact", [hub.OrderOccurrenceOpened, hub.OrderOccurrenceResolved])
def test_an_occurrence_names_its_volume_and_attempt(
    fact: type[hub.OrderOccurrenceOpened | hub.OrderOccurrenceResolved],
    occurrence: dict[str, Any],
    ending: str,
) -> None:
    at = {"shipment": 1, "hub_sequence": 2, "happened_at": AT}

    news = fact.model_validate({**at, "occurrence": {"occurrence_id": "occ_1", **occurrence}})

    assert told(news).endswith(ending)


def test_a_label_names_its_code_and_a_hold_its_products() -> None:
    label = hub.Label(label_id="l1", volume=1, status="ready", tracking_code="AB1")
    at: Any = {"shipment": 1, "hub_sequence": 2, "happened_at": AT}
    hold = hub.Hold(
        code="product_pending_approval", product_references=("bling-k7p2qx-15990001", "other")
    )

    assert told(hub.OrderLabelsUpdated(labels=(label,), **at)).endswith(
        "volume 1 pronta com o rastreio AB1"
    )
    assert told(hub.OrderHoldChanged(holds=(hold,), **at)).endswith(
        "produto aguardando aprovação (15990001)"
    )


@pytest.mark.parametrize(
    ("outcome", "ending"), [("written", "gravado"), ("already", "já era esse")]
)
def test_what_became_of_tracking_agrees_with_its_noun(outcome: Any, ending: str) -> None:
    written = bling.TrackingWritten(order_id=1, command_id=uuid4(), outcome=outcome)

    assert told(written) == f"Bling: rastreio do pedido {ending}"


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        (str(RefusedError(403, "FORBIDDEN_ERROR", None, "Não")), "o Bling não aceitou"),
        (str(MisshapenError("Order: 2 fields")), "o Bling respondeu fora do formato"),
        (str(MisunderstoodError("360Hub answered 418")), "a 360Hub respondeu com um erro"),
        ("defect: KeyError", "uma falha da integração"),
        ("tried for a day: UnavailableError: 500", "um dia inteiro de tentativas sem resultado"),
        ("the command came without the order's content", "faltaram os dados do pedido"),
        ("novelty", "novelty"),
    ],
)
def test_what_a_command_is_parked_for_is_said_in_words(cause: str, said: str) -> None:
    parked = hub.CommandParked(command_id=uuid4(), command_type="hub.register_order", cause=cause)

    assert told(parked) == (
        f"360Hub: parou e espera uma pessoa: registrar o pedido na 360Hub ({said})"
    )


@pytest.mark.parametrize("deadline", get_args(core.Deadline))
def test_a_deadline_says_what_it_is_for(deadline: core.Deadline) -> None:
    marked = told(core.OrderDeadlineSet(deadline=deadline, due_at=AT))

    assert marked.startswith(("Prazo marcado: avisar se ", "Prazo marcado: conferir se "))
    assert deadline not in told(core.DeadlinePassed(deadline=deadline, due_at=AT))
