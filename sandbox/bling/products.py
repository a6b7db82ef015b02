"""Products as the API shows them, their photos, and the webhooks that tell of changes."""

import copy
import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Literal

from sandbox.bling.sandbox import Sandbox
from sandbox.bling.state import Company, Json, Record, local

LINK_LIFE = timedelta(days=7)
THUMBNAIL_LIFE = timedelta(minutes=30)

_SUMMARY = ("id", "nome", "codigo", "preco", "tipo", "situacao", "formato", "descricaoCurta")
_HINT = (
    "id", "nome", "codigo", "tipo", "situacao", "preco", "unidade", "formato", "categoria",
    "descricaoCurta", "descricaoComplementar",
)  # fmt: skip


def announce_product(
    sandbox: Sandbox, company: Company, product: Record, action: Literal["created", "updated"]
) -> None:
    """Tell of a new or changed product."""
    data = {name: copy.deepcopy(product.body[name]) for name in _HINT}
    sandbox.webhooks.announce(company, f"product.{action}", {**data, "idProdutoPai": 0})


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
        "idProdutoPai": 0,
        "precoCusto": 0,
        "estoque": {"saldoVirtualTotal": body["estoque"]["saldoVirtualTotal"]},
        "imagemURL": body["imagemURL"],
    }


def detail(sandbox: Sandbox, product: Record, origin: str) -> Json:
    """Show a product whole; links to its uploaded photos are signed anew at each reading."""
    shown: Json = copy.deepcopy(product.body)
    images = (shown.get("midia") or {}).get("imagens") or {}
    for photo in images.get("internas") or []:
        _sign(sandbox, photo, origin)
    for photo in images.get("externas") or []:
        if photo["link"].startswith("/"):
            photo["link"] = origin + photo["link"]
    return shown


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
