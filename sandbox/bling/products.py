"""Products as the API shows them, their photos, and the webhooks that tell of changes."""

import copy
import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Literal

from sandbox.bling.orders import deep_merge
from sandbox.bling.product_kinds import parent_of, variations
from sandbox.bling.sandbox import Sandbox
from sandbox.bling.state import Company, Json, Record, local

LINK_LIFE = timedelta(days=7)
THUMBNAIL_LIFE = timedelta(minutes=30)

_SUMMARY = ("id", "nome", "codigo", "preco", "tipo", "situacao", "formato", "descricaoCurta")
_HINT = (
    "id", "nome", "codigo", "tipo", "situacao", "preco", "unidade", "formato", "categoria",
    "descricaoCurta", "descricaoComplementar",
)  # fmt: skip


def register(
    sandbox: Sandbox, company: Company, body: Json, parent: Record | None = None
) -> Record:
    """Keep a new product, or a new variation of one, and tell of it."""
    now = sandbox.clock()
    complete = {**body, "id": sandbox.ids.take(), **_own_to_bling(), **_photos(body)}
    complete["estoque"] = {**body["estoque"], "saldoVirtualTotal": 0}
    if parent is not None:
        complete["variacao"] = {
            **body["variacao"],
            "produtoPai": {"id": parent.id, "cloneInfo": False},
        }
    product = Record(complete, created_at=now, changed_at=now)
    company.products[product.id] = product
    announce_product(sandbox, company, product, "created")
    return product


def change(sandbox: Sandbox, company: Company, product: Record, body: Json) -> None:
    """Put another body in a product's place; what only Bling writes stays."""
    kept = ("id", "imagemURL", "fornecedor")
    saved = {name: product.body[name] for name in kept}
    balance = product.body["estoque"]["saldoVirtualTotal"]
    uploaded = product.body["midia"]["imagens"]["internas"]
    variation = _still_variation(product, body)
    product.body = {**body, **saved, **variation, **_photos(body, uploaded)}
    product.body["estoque"] = {**body["estoque"], "saldoVirtualTotal": balance}
    touch(sandbox, company, product)


def edit(sandbox: Sandbox, company: Company, product: Record, changes: Json) -> None:
    """Change parts of a product as the seller would on the screen; lists are replaced."""
    former = product.body["fornecedor"]["id"]
    product.body = deep_merge(product.body, changes)
    touch(sandbox, company, product)
    if "fornecedor" in changes:
        announce_supplier(sandbox, company, product, former)


def touch(sandbox: Sandbox, company: Company, product: Record) -> None:
    """Note the time of a change and tell of it."""
    product.changed_at = sandbox.clock()
    announce_product(sandbox, company, product, "updated")


def delete(sandbox: Sandbox, company: Company, product: Record) -> None:
    """Delete a product for good, with its variations, and tell of it."""
    for one in (*variations(company, product.id), product):
        del company.products[one.id]
        sandbox.webhooks.announce(company, "product.deleted", {"id": one.id})


def announce_product(
    sandbox: Sandbox, company: Company, product: Record, action: Literal["created", "updated"]
) -> None:
    """Tell of a new or changed product."""
    data = {name: copy.deepcopy(product.body[name]) for name in _HINT}
    parent = parent_of(product.body)
    sandbox.webhooks.announce(company, f"product.{action}", {**data, "idProdutoPai": parent})


def announce_supplier(sandbox: Sandbox, company: Company, product: Record, former: int) -> None:
    """Tell of a product's supplier: of a new one, a changed one, or that the `former` is gone."""
    supplier = product.body["fornecedor"]
    if not supplier["id"]:
        if former:
            sandbox.webhooks.announce(company, "product_supplier.deleted", {"id": former})
        return
    action = "updated" if supplier["id"] == former else "created"
    data = {
        "id": supplier["id"],
        "descricao": product.body["nome"],
        "codigo": supplier["codigo"],
        "precoCusto": supplier["precoCusto"],
        "precoCompra": supplier["precoCompra"],
        "padrao": True,
        "garantia": 0,
        "produto": {"id": product.id},
        "fornecedor": {"id": supplier["contato"]["id"]},
    }
    sandbox.webhooks.announce(company, f"product_supplier.{action}", data)


def summary(product: Record) -> Json:
    """Show a product as lists do."""
    body = product.body
    return {
        **{name: body[name] for name in _SUMMARY},
        "idProdutoPai": parent_of(body),
        "precoCusto": 0,
        "estoque": {"saldoVirtualTotal": body["estoque"]["saldoVirtualTotal"]},
        "imagemURL": body["imagemURL"],
    }


def detail(sandbox: Sandbox, company: Company, product: Record, origin: str) -> Json:
    """Show a product whole, with its variations; links to photos are signed at each reading."""
    shown = _signed(sandbox, product, origin)
    children = variations(company, product.id)
    return {**shown, "variacoes": [_signed(sandbox, child, origin) for child in children]}


def _signed(sandbox: Sandbox, product: Record, origin: str) -> Json:
    shown: Json = copy.deepcopy(product.body)
    images = (shown.get("midia") or {}).get("imagens") or {}
    for photo in images.get("internas") or []:
        _sign(sandbox, photo, origin)
    for photo in images.get("externas") or []:
        if photo["link"].startswith("/"):
            photo["link"] = origin + photo["link"]
    return shown


def _own_to_bling() -> Json:
    return {
        "imagemURL": "",
        "fornecedor": {
            "id": 0, "contato": {"id": 0, "nome": ""}, "codigo": "", "precoCusto": 0,
            "precoCompra": 0,
        },
    }  # fmt: skip


def _photos(body: Json, uploaded: list[Json] | None = None) -> Json:
    """Turn the links that are written into the photos that are read; uploaded ones stay."""
    media = body["midia"]
    images = {"externas": media["imagens"]["imagensURL"], "internas": uploaded or []}
    return {"midia": {"video": media["video"], "imagens": images}}


def _still_variation(product: Record, body: Json) -> Json:
    saved = product.body.get("variacao")
    if saved is None:
        return {}
    return {"variacao": {**saved, **body.get("variacao", {}), "produtoPai": saved["produtoPai"]}}


def signature(sandbox: Sandbox, path: str, expires: int) -> str:
    """Sign a photo's path and time limit."""
    text = f"{path}|{expires}".encode()
    return hmac.new(sandbox.settings.client_secret.encode(), text, hashlib.sha256).hexdigest()


def _sign(sandbox: Sandbox, photo: Json, origin: str) -> None:
    now = sandbox.clock()
    name = photo["anexo"]["id"]
    photo["link"] = _link(sandbox, origin, f"/fotos/{name}.png", now + LINK_LIFE)
    photo["linkMiniatura"] = _link(sandbox, origin, f"/fotos/{name}-t.png", now + THUMBNAIL_LIFE)
    photo["validade"] = local(now + LINK_LIFE)


def _link(sandbox: Sandbox, origin: str, path: str, until: datetime) -> str:
    expires = int(until.timestamp())
    return f"{origin}{path}?Expires={expires}&Signature={signature(sandbox, path, expires)}"
