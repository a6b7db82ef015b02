"""The seller's pages of products: the catalogue, and one product with its photos."""

import copy

from aiohttp import web

from sandbox.bling import catalogue, products
from sandbox.bling.new_orders import new_product
from sandbox.bling.product_kinds import ProductKind
from sandbox.bling.sandbox import Sandbox
from sandbox.bling.seller_form import Form, FormError
from sandbox.bling.seller_page import act, home, missing, part, path_id, reached, render
from sandbox.bling.state import Company, Json, Record

STATES = {"A": "Ativo", "I": "Inativo", "E": "Excluído"}
KINDS = {
    ProductKind.SIMPLE: "Simples", ProductKind.KIT: "Kit de dois produtos",
    ProductKind.VARIATIONS: "Com três variações", ProductKind.METRES: "Medido em metros",
    ProductKind.MILLIMETRES: "Medido em milímetros",
    ProductKind.UNIT_AS_TEXT: "Unidade de medida como texto",
    ProductKind.WITHOUT_SIZE: "Sem peso nem medidas", ProductKind.WITHOUT_CODE: "Sem código",
    ProductKind.SERVICE: "Serviço", ProductKind.INACTIVE: "Inativo",
    ProductKind.DELETED: "Excluído",
}  # fmt: skip
_FORMATS = {"S": "Simples", "V": "Com variações", "E": "Kit"}
_SIDES = {"largura": "Largura", "altura": "Altura", "profundidade": "Profundidade"}
_UNITS = {"0": "m", "1": "cm", "2": "mm"}
_PHOTOS = {"uploaded": "Enviada ao Bling", "linked": "Por link"}


async def list_products(request: web.Request) -> web.Response:
    """List a company's products, the newest first."""
    _, company = reached(request)
    content = {
        "products": list(reversed(company.products.values())),
        "states": STATES,
        "formats": _FORMATS,
        "kinds": KINDS,
    }
    return render(request, "products", content)


async def act_on_products(request: web.Request) -> web.Response:
    """Register a product."""
    return await act(request, {"create": _create}, list_products)


async def show_product(request: web.Request) -> web.Response:
    """Show one product and its photos."""
    sandbox, company, product = _reached_product(request)
    shown = products.detail(sandbox, company, product, str(request.url.origin()))
    content = {
        "product": shown,
        "uploaded": part(shown, "midia", "imagens", "internas") or [],
        "linked": part(shown, "midia", "imagens", "externas") or [],
        "states": STATES,
        "sides": _SIDES,
        "unit": _UNITS.get(str(part(shown, "dimensoes", "unidadeMedida")), "sem unidade"),
        "photos": _PHOTOS,
    }
    return render(request, "product", content)


async def act_on_product(request: web.Request) -> web.Response:
    """Do one of the seller's deeds with a product."""
    return await act(request, _DEEDS, show_product)


async def _create(request: web.Request, form: Form) -> tuple[str, str]:
    sandbox, company = reached(request)
    kind = ProductKind(form.chosen("kind", "Tipo", KINDS))
    return _address(company, new_product(sandbox, company, kind=kind)), "created"


async def _edit(request: web.Request, form: Form) -> tuple[str, str]:
    sandbox, company, product = _reached_product(request)
    changes = {
        "nome": form.text("nome", "Nome", required=True),
        "codigo": form.text("codigo", "Código"),
        "preco": form.amount("preco", "Preço"),
        "pesoBruto": form.amount("pesoBruto", "Peso bruto"),
        "dimensoes": {name: form.amount(name, label) for name, label in _SIDES.items()},
        "situacao": form.chosen("situacao", "Situação", STATES),
    }
    products.edit(sandbox, company, product, changes)
    return _address(company, product), "saved"


async def _add_photo(request: web.Request, form: Form) -> tuple[str, str]:
    sandbox, company, product = _reached_product(request)
    uploaded, linked = _photos(product)
    if form.chosen("photo", "Foto", _PHOTOS) == "uploaded":
        uploaded.append(catalogue.uploaded_photo(sandbox.ids, len(uploaded) + 1))
    else:
        linked.append(catalogue.linked_photo(sandbox.ids.take()))
    return _keep_photos(sandbox, company, product, uploaded, linked)


async def _remove_photo(request: web.Request, form: Form) -> tuple[str, str]:
    """Take the photo away that stands at the named place: uploaded ones first, then linked."""
    sandbox, company, product = _reached_product(request)
    uploaded, linked = _photos(product)
    place = form.whole("place", "Foto", most=10_000)
    if place >= len(uploaded) + len(linked):
        raise FormError("Esta foto já não existe.")
    if place < len(uploaded):
        del uploaded[place]
    else:
        del linked[place - len(uploaded)]
    return _keep_photos(sandbox, company, product, uploaded, linked)


async def _delete(request: web.Request, _: Form) -> tuple[str, str]:
    sandbox, company, product = _reached_product(request)
    products.delete(sandbox, company, product)
    return home(company, "produtos"), "deleted"


_DEEDS = {
    "edit": _edit, "add_photo": _add_photo, "remove_photo": _remove_photo, "delete": _delete,
}  # fmt: skip


def _photos(product: Record) -> tuple[list[Json], list[Json]]:
    images = part(copy.deepcopy(product.body), "midia", "imagens")
    return part(images, "internas") or [], part(images, "externas") or []


def _keep_photos(
    sandbox: Sandbox, company: Company, product: Record, uploaded: list[Json], linked: list[Json]
) -> tuple[str, str]:
    images = {"internas": uploaded, "externas": linked}
    products.edit(sandbox, company, product, {"midia": {"imagens": images}})
    return _address(company, product), "saved"


def _reached_product(request: web.Request) -> tuple[Sandbox, Company, Record]:
    sandbox, company = reached(request)
    product = company.products.get(path_id(request, "product_id"))
    if product is None:
        raise missing(request, "Este produto não existe, ou foi excluído de vez.")
    return sandbox, company, product


def _address(company: Company, product: Record) -> str:
    return home(company, f"produtos/{product.id}")
