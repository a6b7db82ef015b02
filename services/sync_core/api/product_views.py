"""Products as the API shows them: where each stands at 360Hub, and what to do about it."""

from typing import Any

import asyncpg

from services.sync_core.api.models import (
    ApprovalView,
    ParkedView,
    PhotoView,
    ProductSummary,
    ProductView,
    WaitingOrder,
)
from services.sync_core.audit.explanations import explanations
from services.sync_core.audit.words import Words
from services.sync_core.domain import AccountState, ProductState, can_retry, can_send_again
from shared.contracts.references import product_reference

_WORDS = Words()


def product_summary(row: asyncpg.Record, account: AccountState) -> ProductSummary:
    """Return the product as one of a list."""
    product = ProductState.model_validate_json(row["state"])
    return ProductSummary(**_common(row, product, account))


def product_view(
    row: asyncpg.Record,
    account: AccountState,
    *,
    parked: list[asyncpg.Record],
    orders: list[asyncpg.Record],
    next_cursor: str | None,
) -> ProductView:
    """Return the product with everything about it."""
    product = ProductState.model_validate_json(row["state"])
    return ProductView(
        **_common(row, product, account),
        reference=product_reference(account.tag, product.product_id),
        version=product.version,
        refused=explanations("held", product.errors, _WORDS),
        photos=_photos(product),
        actions=_actions(product, account),
        parked_facts=tuple(ParkedView(**each) for each in parked),
        orders=tuple(
            WaitingOrder(id=f"{account.tag}-{each['order_id']}", **each) for each in orders
        ),
        next_cursor=next_cursor,
    )


def _common(row: asyncpg.Record, product: ProductState, account: AccountState) -> dict[str, Any]:
    return {
        "product_id": product.product_id,
        "name": product.name,
        "sku": product.sku,
        "imported": product.imported,
        "missing": product.missing,
        "changed": product.imported and product.changed,
        "approval": _approval(product, account),
        "waiting_orders": row["waiting_orders"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }


def _approval(product: ProductState, account: AccountState) -> ApprovalView:
    status, code = product.approval, product.approval_reason
    return ApprovalView(
        status=status,
        label=_WORDS.word("approval", status) if status else None,
        reason_code=code,
        reason=_WORDS.word("rejection", code) if code else None,
        note=product.approval_note,
        sentence=_sentence(product, account),
        since=product.approval_since,
        photos_required=product.photos_required,
        photos_accepted=product.photos_accepted,
    )


def _sentence(product: ProductState, account: AccountState) -> str:
    """Say where the product stands, and what is to be done, if anything is."""
    if product.missing and not product.imported:
        return f"O produto não está na 360Hub: {_WORDS.word('missing', product.missing)}."
    match product.approval:
        case None:
            return "O produto ainda não está na 360Hub."
        case "rejected":
            return _rejected(product.approval_reason)
        case "awaiting_photos":
            return f"{_WORDS.word('standing', 'awaiting_photos')} {_about_photos(product, account)}"
        case status if _WORDS.knows("standing", status):
            return _WORDS.word("standing", status)
        case status:
            return f"A 360Hub mostra “{status}”, que ainda não conhecemos. Confira na tela dela."


def _rejected(code: str | None) -> str:
    if code is None:
        return "A 360Hub reprovou o produto e não disse por quê. Pergunte a ela."
    told = f"A 360Hub reprovou o produto: {_WORDS.word('rejection', code)}."
    if _WORDS.knows("mending", code):
        return f"{told} {_WORDS.word('mending', code)}"
    return f"{told} Veja na tela dela o que falta."


def _about_photos(product: ProductState, account: AccountState) -> str:
    if not account.hands_photos_over:
        return "Cadastre-as na própria tela dela."
    if not product.images:
        return "No Bling ele não tem imagens: acrescente-as lá, ou na própria tela da 360Hub."
    if can_retry(product, account):
        return "Há fotos que não chegaram lá: veja cada uma e tente de novo."
    return "As do Bling vão para lá automaticamente; nada precisa ser feito."


def _photos(product: ProductState) -> tuple[PhotoView, ...]:
    views = []
    for picture, photo in product.photos.items():
        state = photo.status or photo.how
        label = _WORDS.word("photo", state)
        if photo.cause:
            label = f"{label}: {_WORDS.word('photo_refusal', photo.cause)}"
        views.append(PhotoView(position=photo.position, picture=picture, state=state, label=label))
    return tuple(sorted(views, key=lambda view: view.position))


def _actions(product: ProductState, account: AccountState) -> tuple[Any, ...]:
    offered = {
        "retry": can_retry(product, account),
        "send_again": can_send_again(product, account),
    }
    return tuple(action for action, possible in offered.items() if possible)
