"""The product calls: import, read, list, photos."""

from aiohttp import web

from sandbox.hub.clock import stamp, stamp_or_none
from sandbox.hub.content import PhotoBody, ProductBody, check_ref, normal_form, read_body
from sandbox.hub.ids import new_id
from sandbox.hub.problems import REQUEST_ID, ApiError, Json
from sandbox.hub.products_life import announce, content_changed
from sandbox.hub.query import PAGING, Route, cut_page, words_of
from sandbox.hub.records import Cause, Photo, Product, Receipt
from sandbox.hub.state import Account, account_of
from sandbox.hub.statuses import ProductStatus


async def put_product(request: web.Request) -> web.Response:
    """Import a product, or bring an imported one up to date."""
    account, ref = account_of(request), request.match_info["ref"]
    check_ref(ref)
    body = await read_body(request, ProductBody)
    content = normal_form(body)
    cause = Cause("integration", request[REQUEST_ID])
    product = account.products.get(ref)
    if product is None:
        product = _import(account, ref, body.source_version, content, cause)
        outcome = "created"
    else:
        outcome = _update(account, product, body.source_version, content, cause)
    product.receipts.append(Receipt(body.source_version, outcome, account.clock.now()))
    answer = {"outcome": outcome, **product_view(product)}
    return web.json_response(answer, status=201 if outcome == "created" else 200)


def _import(account: Account, ref: str, version: int, content: Json, cause: Cause) -> Product:
    now = account.clock.now()
    product = Product(
        ref=ref,
        hub_id=new_id("prd"),
        created_at=now,
        updated_at=now,
        content=content,
        source_version=version,
    )
    account.products[ref] = product
    announce(account, product, None, cause=cause)
    return product


def _update(account: Account, product: Product, version: int, content: Json, cause: Cause) -> str:
    stored = product.source_version
    if version < stored:
        detail = f"Received source_version {version}, stored source_version {stored}."
        raise ApiError("stale-version", detail, current_source_version=stored)
    changed = {
        key for key in {*content, *product.content} if content.get(key) != product.content.get(key)
    }
    if version == stored and changed:
        raise ApiError("version-conflict", current_source_version=stored)
    product.source_version = version
    if not changed:
        return "unchanged"
    product.content = content
    product.touch(account.clock.now())
    content_changed(account, product, changed, cause=cause)
    return "updated"


async def get_product(request: web.Request) -> web.Response:
    """Show a product's approval."""
    product = account_of(request).product(request.match_info["ref"])
    return web.json_response(product_view(product))


async def list_products(request: web.Request) -> web.Response:
    """List products in the order of their import."""
    statuses = words_of(request, "approval_status", frozenset(ProductStatus))
    rows = [
        (number, product)
        for number, product in enumerate(account_of(request).products.values())
        if not statuses or product.status in statuses
    ]
    products, page = cut_page(request, "prd", rows)
    view = {"products": [product_view(product) for product in products], **page.view()}
    return web.json_response(view)


async def add_photo(request: web.Request) -> web.Response:
    """Take a photo by machine, where the account has that capability."""
    account = account_of(request)
    product = account.product(request.match_info["ref"])
    if not account.takes_photos:
        raise ApiError("capability-off", "Photos are registered on the hub's own page.")
    body = await read_body(request, PhotoBody)
    photo = Photo(photo_id=new_id("pho"), position=body.position, source_url=str(body.source_url))
    product.photos.append(photo)
    product.touch(account.clock.now())
    return web.json_response(photo_view(photo), status=202)


def photo_view(photo: Photo) -> Json:
    return {
        "photo_id": photo.photo_id,
        "status": photo.status,
        "position": photo.position,
        "reason_code": photo.reason_code,
    }


def product_view(product: Product) -> Json:
    return {
        "external_ref": product.ref,
        "hub_id": product.hub_id,
        "source_version": product.source_version,
        "sequence": product.sequence,
        "updated_at": stamp(product.updated_at),
        "approval": {
            "status": product.status.value,
            "photos_required": product.photos_required,
            "photos_accepted": product.photos_accepted,
            "reason_code": product.reason_code,
            "reason": product.reason,
            "decided_at": stamp_or_none(product.decided_at),
        },
    }


ROUTES = (
    Route("GET", "/products", list_products, PAGING | {"approval_status"}),
    Route("PUT", "/products/{ref}", put_product),
    Route("GET", "/products/{ref}", get_product),
    Route("POST", "/products/{ref}/photos", add_photo),
)
