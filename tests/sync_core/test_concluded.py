"""Each type of decision and command has its own whole sentence that says why."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from services.sync_core.audit.concluded import AFTER, RAISED, concluded
from services.sync_core.audit.words import Words
from services.sync_core.domain import REASONS, Event, OrderState
from shared.contracts import CONTRACTS, Contract
from shared.contracts import bling_gateway as bling
from shared.contracts import hub_gateway as hub
from shared.contracts import sync_core as core
from shared.contracts.content import ProductContent
from tests.sync_core.seller import AT

ORDER, PRODUCT = "order-1", "product-7"
PREFIXES = ("bling.", "hub.", "work.", "command.", "sync.order.", "sync.product.")
ABOUT_THE_ACCOUNT = {core.EnsureSituations, core.ReadEntryOptions, core.ImportOrders}
ALIGNS = {core.SetSituation, core.OrderAgreed}
"""Told by Align's verdict."""

ID = uuid4()
NEWS = (
    *("bling.order.", "bling.situation.", "bling.tracking.", "bling.command."),
    *("hub.order.", "hub.command.", "order."),
)
"""What begins the names of an order's news."""

OF_ORDER: dict[str, Any] = {"order_id": 1, "shipment": 1}
SENT = {"reference": "r", "version": 2, "content_event": ID, "content_digest": "d"}
CONTENT = ProductContent(name="Caneca", price=Decimal("49.90"))
APPROVAL = hub.Approval(status="awaiting_photos")
IMPORTED = hub.ProductImported(
    product_id=7,
    command_id=ID,
    reference="r",
    version=1,
    outcome="created",
    approval=APPROVAL,
    hub_sequence=1,
)
STATUS = hub.OrderStatusChanged(shipment=1, hub_sequence=1, happened_at=AT, status="in_manifest")
SEND_AGAIN, RETRY = core.ProductSendRequested(), core.RetryRequested()


def event(data: Contract, stream: str = ORDER, kind: Any = "decision") -> Event:
    return Event(
        id=uuid4(),
        stream=stream,
        kind=kind,
        position=1,
        recorded_at=AT,
        occurred_at=AT,
        data=data,
    )


def why(data: Contract, cause: Contract | None, kind: str) -> str | None:
    stream = PRODUCT if hasattr(data, "product_id") and kind != "told" else ORDER
    logged = event(data, stream, "decision" if kind == "told" else kind)
    led = event(cause, stream, "fact") if cause else None
    return concluded(logged, led, OrderState(order_id=1), Words())


CASES: list[tuple[Contract, Contract | None, str, str]] = [
    (
        core.OrderStarted(shipment=1, reference="r", cause="taken_on", start_situation=15),
        None,
        "decision",
        "Começamos a remessa 1, porque o pedido entrou em “Em andamento” depois da ativação da"
        " conta, e o filtro da conta o deixa passar.",
    ),
    (
        core.OrderEntryHeld(cause="filtered", criterion="stores"),
        None,
        "decision",
        "Não enviamos o pedido à 360Hub, porque o filtro da conta não aceita a loja do pedido.",
    ),
    (
        core.OrderEntryHeld(cause="awaiting_confirmation"),
        None,
        "decision",
        "Não enviamos o pedido à 360Hub, porque o pedido está em andamento no Bling sem que"
        " víssemos essa mudança depois da ativação.",
    ),
    (
        core.OrderProductReady(product_id=7),
        IMPORTED,
        "told",
        "Deixamos de esperar pelo produto 7, porque a 360Hub já o tem.",
    ),
    (
        core.OrderProductMissing(product_id=7, cause="refused"),
        None,
        "told",
        "Anotamos que o produto 7 falta na 360Hub, porque foi recusado pela 360Hub.",
    ),
    (
        core.OrderContentChanged(shipment=1, version=2),
        None,
        "decision",
        "Anotamos a versão 2 dos dados do pedido, porque o que vai à 360Hub mudou depois do"
        " registro do pedido.",
    ),
    (
        core.OrderCancelled(shipment=1, by="hub", at_hub=True),
        STATUS,
        "decision",
        "Demos a remessa 1 por acabada, porque a 360Hub a cancelou por conta própria.",
    ),
    (
        core.OrderGoneHeld(gone_within_the_hour=12),
        None,
        "decision",
        "Não cancelamos a remessa, porque 12 pedidos sumiram do Bling em uma hora, e só uma pessoa"
        " sabe se é verdade.",
    ),
    (
        core.OrderStageChanged(shipment=1, previous=None, stage="started"),
        None,
        "decision",
        "Mudamos a etapa do pedido para “iniciado”, porque a remessa começou.",
    ),
    (
        core.OrderReasonRaised(code="write_refused"),
        None,
        "decision",
        "Mostramos o aviso, porque o Bling recusou a situação que a 360Hub pede.",
    ),
    (
        core.OrderReasonCleared(code="conflict"),
        STATUS,
        "decision",
        "Tiramos o aviso, porque o motivo dele deixou de valer com o novo status da 360Hub.",
    ),
    (
        core.OrderDeadlineSet(deadline="volume_behind", due_at=AT),
        None,
        "decision",
        "Marcamos um prazo, porque um volume do pedido está atrás de outro, que já foi entregue.",
    ),
    (
        core.OrderDeadlineCleared(deadline="withdrawn"),
        STATUS,
        "decision",
        "Desmarcamos o prazo, porque com o novo status da 360Hub ele deixou de ser preciso.",
    ),
    (
        core.ProductApprovalMoved(product_id=7, status="approved"),
        IMPORTED,
        "decision",
        "Anotamos o produto 7 como “aprovado”, porque é o que a 360Hub informa.",
    ),
    (
        core.CommandWithdrawn(command_id=ID, command_type="hub.register_order"),
        None,
        "decision",
        "Desistimos de registrar o pedido na 360Hub, porque os dados pessoais de que a ação"
        " precisava foram apagados.",
    ),
    (
        core.RegisterOrder(**OF_ORDER, **SENT, product_references={}),
        None,
        "withheld",
        "Não mandamos registrar o pedido na 360Hub, porque a conta está em modo observação; o"
        " motivo seria este: a remessa começou e nenhum produto segura mais o pedido.",
    ),
    (
        core.CancelOrder(**OF_ORDER, reference="r", version=2, reason_code="deleted_in_erp"),
        None,
        "command",
        "Mandamos cancelar o pedido na 360Hub, porque o pedido não existe mais no Bling.",
    ),
    (
        core.WriteTracking(**OF_ORDER, volumes=()),
        None,
        "command",
        "Mandamos gravar o rastreio no Bling, porque as etiquetas trouxeram rastreio, e a conta o"
        " quer nos volumes do Bling.",
    ),
    (
        core.ReadOrder(order_id=1),
        RETRY,
        "command",
        "Mandamos ler o pedido no Bling, porque uma pessoa pediu nova tentativa.",
    ),
    (
        core.RetryWork(command_id=ID),
        RETRY,
        "command",
        "Mandamos tentar de novo o que estava parado, porque uma pessoa pediu nova tentativa.",
    ),
    (
        core.DiscardWork(command_id=ID, cause="engano"),
        core.DiscardRequested(cause="engano"),
        "command",
        "Mandamos desistir do que estava parado, porque uma pessoa desistiu do que estava parado.",
    ),
    (
        core.DiscardWork(command_id=ID, cause="o rastreio não é mais preciso no Bling"),
        STATUS,
        "command",
        "Mandamos desistir do que estava parado, porque o rastreio não é mais preciso no Bling.",
    ),
    (
        core.ReadProduct(product_id=7),
        None,
        "command",
        "Mandamos ler o produto no Bling, porque um pedido precisa do produto como ele é agora.",
    ),
    (
        core.ReadProduct(product_id=7),
        IMPORTED,
        "command",
        "Mandamos ler o produto no Bling, porque a 360Hub espera fotos do produto, e os endereços"
        " que temos vencem logo.",
    ),
    (
        core.ImportProduct(product_id=7, **SENT),
        SEND_AGAIN,
        "command",
        "Mandamos importar o produto na 360Hub, porque uma pessoa pediu que ele fosse enviado de"
        " novo.",
    ),
    (
        core.AddProductPhoto(product_id=7, reference="r", position=1, url="https://x"),
        IMPORTED,
        "command",
        "Mandamos enviar a foto do produto à 360Hub, porque a 360Hub espera fotos do produto, e a"
        " conta as envia.",
    ),
]


@pytest.mark.parametrize(("data", "cause", "kind", "told"), CASES)
def test_a_decision_says_what_was_done_and_why(
    data: Contract, cause: Contract | None, kind: str, told: str
) -> None:
    assert why(data, cause, kind) == told


def test_each_type_that_an_order_is_told_of_is_tried_here() -> None:
    ours = {
        each
        for type_, each in CONTRACTS.items()
        if each.__module__ == core.__name__ and type_.startswith(PREFIXES)
    }

    assert {type(case[0]) for case in CASES} == ours - ABOUT_THE_ACCOUNT - ALIGNS


def test_whatever_the_rules_of_an_order_look_at_is_named() -> None:
    decided = {
        core.OrderProductReady.TYPE,
        core.OrderProductMissing.TYPE,
        core.CommandWithdrawn.TYPE,
    }

    news = {type_ for type_ in CONTRACTS if type_.startswith(NEWS)}

    assert AFTER.keys() == news | decided


def test_each_reason_says_what_was_seen() -> None:
    assert RAISED.keys() == REASONS.keys()


def test_a_product_whose_news_is_not_at_hand_is_not_said_to_be_at_360hub() -> None:
    assert why(core.OrderProductReady(product_id=7), None, "told") == (
        "Deixamos de esperar pelo produto 7, porque ele já não segura o pedido."
    )


def test_while_the_account_observes_no_product_is_waited_for() -> None:
    seen = bling.ProductObserved(
        product_id=7, observation=1, active=True, content=CONTENT, trigger="command", read_at=AT
    )

    assert why(core.OrderProductReady(product_id=7), seen, "told") == (
        "Deixamos de esperar pelo produto 7, porque a conta está em modo observação e ele não é"
        " enviado."
    )
