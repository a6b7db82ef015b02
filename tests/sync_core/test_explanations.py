"""Codes beside a reason are said in words; what nobody foresaw is still shown."""

import pytest

from services.sync_core.audit.explanations import explanations
from services.sync_core.audit.words import Words


@pytest.mark.parametrize(
    ("reason", "detail", "told"),
    [
        ("held", "no_items", "pedido sem itens"),
        ("held", "item_without_product:items/2", "item 2 sem produto"),
        ("held", "quantity_fractional:items/1", "item 1 com quantidade fracionada"),
        ("held", "field_invalid:items/3/quantity", "valor inválido: item 3, quantidade"),
        ("held", "field_invalid:itens/0/quantidade", "valor inválido: item 1, quantidade"),
        ("held", "field_invalid:transporte/frete", "valor inválido: frete"),
        ("held", "field_invalid:contact", "valor inválido: cliente (contato)"),
        ("held", "address_incomplete:address/street", "endereço de entrega incompleto: falta rua"),
        (
            "held",
            "hold:volume_data_missing",
            "pendência na 360Hub: faltam peso ou medidas (complete peso e medidas no Bling)",
        ),
        ("held", "hold:strike", "pendência na 360Hub: strike"),
        ("held", "product_pending:16", "o produto 16 espera a aprovação da 360Hub"),
        ("held", "product_missing:16", "o produto 16 não pôde ser importado na 360Hub"),
        ("held", "pattern:/recipient/document", "a 360Hub recusou CPF ou CNPJ (formato inválido)"),
        (
            "held",
            "unknown-product:/items/0/product_ref",
            "a 360Hub recusou item 1, produto (produto não importado)",
        ),
        ("held", "register_closed", "a 360Hub encerrou a remessa"),
        ("conflict", "situation:24", "a mudança era para “Verificado”"),
        ("conflict", "status:delivered", "a 360Hub mostra “entregue”"),
        ("parked", "hub.register_order", "não foi possível registrar o pedido na 360Hub"),
        ("filtered", "stores", "a loja do pedido"),
        ("occurrence_noted", "misrouted:::", "encaminhado para a unidade errada"),
        # as rules before revision 4 logged it
        ("occurrence", "address_incomplete", "endereço incompleto"),
        ("occurrence", "a:b:c:d", "a:b:c:d"),
        (
            "occurrence",
            "address_incomplete:2:correct_address:20260312T150000Z",
            "endereço incompleto (volume 2): corrija o endereço com a 360Envios até"
            " 12/03/2026 12:00",
        ),
        ("occurrence", "drone:grounded:1:wait:", "drone:grounded (volume 1): wait"),
        (
            "label_failed",
            "label:2:address_rejected",
            "volume 2: a transportadora não aceita o endereço",
        ),
        ("volume_behind", "volume:2", "volume 2"),
        (
            "content_locked",
            "locked",
            "as etiquetas já existem: se forem anuladas na 360Hub, os novos dados seguem"
            " automaticamente",
        ),
        (
            "content_locked",
            "unsupported",
            "a 360Hub não recebe mudanças: edite o pedido também na própria tela dela",
        ),
        (
            "cancel_refused",
            "unsupported",
            "a 360Hub não recebe cancelamentos: cancele na própria tela dela",
        ),
        ("held", "cancel_discarded", "uma pessoa desistiu de cancelar a remessa na 360Hub"),
        ("held", "deleted:/items/0", "a 360Hub recusou item 1 (deleted)"),
        ("held", "invoice_cancelled", "NF-e cancelada"),
        ("write_refused", "message:Não: agora não", '"Não: agora não"'),
        ("tracking_refused", "occupied", "um volume do pedido já tem outro código de rastreio"),
        ("tracking_refused", "message:Nota emitida", '"Nota emitida"'),
        ("bling_disconnected", "cause:requested", "causa: a pedido"),
        ("bling_paused", "message:inventário", '"inventário"'),
        ("situations_refused", "read", "o Bling recusou a leitura das situações"),
        ("situations_refused", "create:Em romaneio", "o Bling recusou a criação de “Em romaneio”"),
        ("situation_deleted", "deleted:883047", "nº 883047"),
        ("situation_unusable", "unusable:24", "“Verificado”"),
        ("webhooks_silent", "missed:3", "mudanças sem aviso: 3"),
        ("webhooks_silent", "since:2026-03-10T12:00:00+00:00", "último aviso: 10/03/2026 09:00"),
        ("account_parked", "bling.import_orders", "não foi possível importar os pedidos do Bling"),
        (
            "new_side_effects",
            "transition:15:9:lancarEstoque contar",
            "de “Em andamento” para “Atendido”: lançar estoque, contar",
        ),
    ],
)
def test_a_detail_is_said_in_words(reason: str, detail: str, told: str) -> None:
    assert explanations(reason, [detail], Words()) == (told,)


@pytest.mark.parametrize(
    "cause",
    [
        *("invalid_grant", "unauthorized_client", "VALIDATION_ERROR", "UNAUTHORIZED_ERROR"),
        *("company_inactive", "requested"),
        *("invalid_client", "token-missing", "token-expired", "token-invalid"),
        *("scope", "account-suspended"),
    ],
)
def test_no_seller_reads_a_raw_cause_of_a_disconnection(cause: str) -> None:
    """Every cause that the gateways name: Bling's error types and 360Hub's codes."""
    (told,) = explanations("bling_disconnected", [f"cause:{cause}"], Words())

    assert told.startswith("causa: ")
    assert cause not in told


@pytest.mark.parametrize(
    ("detail", "told"),
    [
        ("hold:novelty", "pendência na 360Hub: novelty"),
        ("odd:/volumes/1/colour", "a 360Hub recusou volume 2, colour (odd)"),
        ("od{d", "od{d (pedido)"),
        ("invalid:", "invalid (pedido)"),
    ],
)
def test_what_we_do_not_know_is_shown_as_it_came(detail: str, told: str) -> None:
    assert explanations("held", [detail], Words()) == (told,)
