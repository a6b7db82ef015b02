"""What callers send as an order or a product: its shape, its errors, and its normal form."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable
from datetime import UTC
from typing import Annotated, Any, Literal, Self, TypeVar

from aiohttp import web
from pydantic import (
    AnyHttpUrl,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from sandbox.hub.problems import ApiError, Json

REF_PATTERN = r"^[A-Za-z0-9._~-]{1,64}$"
Ref = Annotated[str, Field(pattern=REF_PATTERN)]
Text = Annotated[str, Field(min_length=1, max_length=1000)]
Money = Annotated[str, Field(pattern=r"^\d{1,9}\.\d{2}$")]
Whole = Annotated[int, Field(strict=True, ge=1)]
Measure = Annotated[int, Field(strict=True, ge=0)]


class Wire(BaseModel):
    """Base of request bodies; a field that is not in the contract is refused as a typing error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Address(Wire):
    postal_code: Annotated[str, Field(pattern=r"^\d{8}$")]
    street: Text
    number: str | None = None
    complement: str | None = None
    district: str | None = None
    city: Text
    state: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    country: Literal["BR"] = "BR"


class Recipient(Wire):
    name: Text
    document: Annotated[str, Field(pattern=r"^(\d{11}|[0-9A-Z]{12}\d{2})$")] | None = None
    email: str | None = None
    phone: str | None = None
    address: Address


class Item(Wire):
    line_ref: Text
    product_ref: Ref
    sku: str | None = None
    name: Text
    quantity: Whole
    unit_price: Money


class Totals(Wire):
    items: Money
    shipping: Money
    discount: Money
    total: Money
    currency: Literal["BRL"] = "BRL"


class FiscalDocument(Wire):
    """An NF-e with its key (which may hold letters), or a declaration of content without one."""

    kind: Literal["nfe", "content_declaration"]
    access_key: Annotated[str, Field(pattern=r"^[0-9A-Z]{44}$")] | None = None

    @model_validator(mode="after")
    def _key_fits_kind(self) -> Self:
        if (self.kind == "nfe") != (self.access_key is not None):
            raise ValueError("access_key")
        return self


class Volume(Wire):
    volume: Whole
    weight_g: Measure | None = None
    length_mm: Measure | None = None
    width_mm: Measure | None = None
    height_mm: Measure | None = None


class OrderBody(Wire):
    source: Text
    source_version: Whole
    number: Text
    store_order_number: str | None = None
    placed_at: AwareDatetime
    recipient: Recipient
    items: Annotated[list[Item], Field(min_length=1)]
    totals: Totals
    fiscal_document: FiscalDocument | None = None
    volumes: list[Volume] | None = None
    service_hint: str | None = None

    @field_validator("items")
    @classmethod
    def _lines_differ(cls, items: list[Item]) -> list[Item]:
        return _all_different(items, lambda item: item.line_ref)

    @field_validator("volumes")
    @classmethod
    def _volumes_differ(cls, volumes: list[Volume] | None) -> list[Volume] | None:
        return volumes and _all_different(volumes, lambda volume: volume.volume)


class CancelBody(Wire):
    source_version: Whole
    reason_code: Text
    reason: str | None = None
    requested_at: AwareDatetime | None = None


class ProductBody(Wire):
    source: Text
    source_version: Whole
    sku: str | None = None
    name: Text
    description: str | None = None
    gtin: str | None = None
    ncm: str | None = None
    price: Money | None = None
    weight_g: Measure | None = None
    length_mm: Measure | None = None
    width_mm: Measure | None = None
    height_mm: Measure | None = None
    parent_ref: Ref | None = None


class PhotoBody(Wire):
    source_url: AnyHttpUrl
    position: Whole
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None


FORM = web.RequestKey("form", Json)
"""What a form of the operator's page sent, in the place of a JSON body."""

Body = TypeVar("Body", bound=BaseModel)
Element = TypeVar("Element")


def _all_different(elements: list[Element], key: Callable[[Element], object]) -> list[Element]:
    if len({key(element) for element in elements}) < len(elements):
        raise ValueError("repeated")
    return elements


async def read_body(request: web.Request, model: type[Body]) -> Body:
    """Parse the body; not JSON is `malformed`, wrong fields are `validation`."""
    parsed = request[FORM] if FORM in request else await _read_json(request)
    try:
        return model.model_validate(parsed)
    except ValidationError as error:
        raise ApiError("validation", errors=_field_errors(error)) from None


async def _read_json(request: web.Request) -> Json:
    try:
        parsed = json.loads(await request.read() or b"{}")
    except ValueError:
        raise ApiError("malformed", "The body is not JSON.") from None
    if not isinstance(parsed, dict):
        raise ApiError("malformed", "The body is not a JSON object.")
    return parsed


def check_ref(ref: str) -> None:
    """Refuse a reference outside the allowed characters and length."""
    if not re.fullmatch(REF_PATTERN, ref):
        raise ApiError("validation", errors=[_field_error("/external_ref", "pattern")])


_CODES = {
    "missing": "required",
    "extra_forbidden": "unknown-field",
    "string_pattern_mismatch": "pattern",
    "string_too_short": "required",
    "too_short": "required",
}

_MESSAGES = {
    "required": "Campo obrigatório",
    "unknown-field": "Campo desconhecido",
    "pattern": "Formato inválido",
    "type": "Tipo inválido",
    "invalid": "Valor inválido",
    "unknown-product": "Produto não importado",
}


def _field_errors(error: ValidationError) -> list[Json]:
    return [
        _field_error("".join(f"/{step}" for step in found["loc"]), _code(found["type"]))
        for found in error.errors(include_input=False, include_url=False)
    ]


def _code(kind: str) -> str:
    return _CODES.get(kind, "type" if kind.endswith("_type") else "invalid")


def _field_error(pointer: str, code: str) -> Json:
    message = _MESSAGES[code]
    if pointer.endswith("/postal_code") and code == "pattern":
        message = "CEP deve ter 8 dígitos"
    return {"pointer": pointer, "code": code, "message": message}


def unknown_products(content: Json, known: Callable[[str], bool]) -> list[Json]:
    """List an error for each item whose product was not imported."""
    return [
        _field_error(f"/items/{index}/product_ref", "unknown-product")
        for index, item in enumerate(content["items"])
        if not known(item["product_ref"])
    ]


def normal_form(body: OrderBody | ProductBody) -> Json:
    """Write content so that what means the same compares the same.

    Absent and null are one; text is composed and its white space single; lines and volumes stand
    in the order of their numbers; times are in UTC; `source_version` is not content.
    """
    content: Json = _tidy(body.model_dump(mode="json", exclude={"source_version"}))
    if isinstance(body, OrderBody):
        content["placed_at"] = body.placed_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        content["items"].sort(key=lambda item: item["line_ref"])
        content.get("volumes", []).sort(key=lambda volume: volume["volume"])
    return content


def _tidy(value: Any) -> Any:
    if isinstance(value, dict):
        tidied = {key: _tidy(inner) for key, inner in value.items()}
        return {key: inner for key, inner in tidied.items() if inner not in (None, "", [], {})}
    if isinstance(value, list):
        return [_tidy(inner) for inner in value]
    if isinstance(value, str):
        return unicodedata.normalize("NFC", " ".join(value.split()))
    return value


def digest(content: Json) -> str:
    """Hash the normal form as canonical JSON (sorted keys, no white space, UTF-8)."""
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"
