"""Parcels (logistics objects) and what they change in the orders that they belong to."""

from sandbox.bling import logistics, orders
from sandbox.bling.sandbox import Sandbox
from sandbox.bling.state import Company, Json, Record

LABEL_FORMS = ("PDF", "ZPL")


def create(sandbox: Sandbox, company: Company, content: Json) -> Record:
    """Keep a new parcel."""
    parcel = logistics.keep(company.parcels, sandbox.ids, sandbox.clock, content)
    show_in_order(sandbox, company, parcel)
    return parcel


def show_in_order(sandbox: Sandbox, company: Company, parcel: Record) -> None:
    """Make a parcel a volume of its order, with the same id, where Bling does so."""
    order = company.live_order(parcel.body["pedidoVenda"]["id"])
    service = logistics.service_with_id(company, parcel.body["servico"]["id"])
    if not sandbox.unconfirmed.parcels_are_volumes or order is None:
        return
    volume = {
        "id": parcel.id,
        "servico": service["descricao"] if service else "",
        "codigoRastreamento": parcel.body["rastreamento"]["codigo"],
    }
    volumes = order.body["transporte"]["volumes"]
    others = [one for one in volumes if one["id"] != parcel.id]
    order.body["transporte"]["volumes"] = [*others, volume]
    orders.changed(sandbox, company, order)


def of_order(company: Company, order_id: int) -> list[Record]:
    """List the parcels of an order."""
    return [row for row in company.parcels.values() if row.body["pedidoVenda"]["id"] == order_id]


def zpl_label(codes: list[str]) -> str:
    """Draw one label per tracking code in a label printer's language."""
    return "".join(f"^XA^FO50,50^BCN,100^FD{code}^FS^XZ" for code in codes)


def pdf_label(codes: list[str]) -> bytes:
    """Draw a page with the tracking codes."""
    lines = "".join(f"({_escaped(code)}) Tj T* " for code in codes)
    drawing = f"BT /F1 14 Tf 18 TL 40 380 Td {lines}ET"
    page = (
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 283 425] /Contents 4 0 R"
        " /Resources << /Font << /F1 5 0 R >> >> >>"
    )
    objects = (
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        page,
        f"<< /Length {len(drawing)} >>\nstream\n{drawing}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    return _pdf(objects)


def _pdf(objects: tuple[str, ...]) -> bytes:
    body, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(body))
        body += f"{number} 0 obj\n{content}\nendobj\n".encode("latin-1", "replace")
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    end = (
        f"xref\n0 {size}\n0000000000 65535 f \n{table}"
        f"trailer << /Size {size} /Root 1 0 R >>\nstartxref\n{len(body)}\n%%EOF"
    )
    return body + end.encode()


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
