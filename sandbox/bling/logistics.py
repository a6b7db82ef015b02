"""Logistics, their services, and the parcels and shipments that go with them."""

from sandbox.bling.state import Clock, Company, Ids, Json, Record

CUSTOM = "CustomLogistic"

KINDS = frozenset(
    ("AmazonDBA", "B2WEntrega", "B2WO2O", "Correios", "CorreiosLog", CUSTOM, "DafitiMilkrun",
     "Envvias", "Frenet", "FreteDescomplicado", "Intelipost", "Jadlog", "Jamef", "Kangu",
     "LogisticaAliExpress", "LogisticaShopee", "Loggi", "MagaluEntregas", "Mandae", "MelhorEnvio",
     "MercadoEnvios", "OlistFulfillment", "TotalExpress")
)  # fmt: skip

# name, code, aliases, active
_OWN_SERVICES = (
    ("360Envios Econômico", "360-ECO", ("Econômico", "frete-economico"), True),
    ("360Envios Expresso", "360-EXP", ("Expresso",), True),
    ("360Envios Retirada", "360-RET", (), False),
)
_POST_SERVICES = (
    ("PAC", "03298", ("PAC CONTRATO AG",), True),
    ("SEDEX", "03220", ("SEDEX CONTRATO AG", "Sedex"), True),
    ("SEDEX 10", "03158", (), False),
)


def starting_logistics(company: Company, ids: Ids) -> None:
    """Give a new company a hub's logistics and the post's."""
    for name, kind, services in (
        ("360Envios", CUSTOM, _OWN_SERVICES),
        ("Correios", "Correios", _POST_SERVICES),
    ):
        made = add_logistics(company, ids, name=name, kind=kind)
        for description, code, aliases, active in services:
            content = {"descricao": description, "codigo": code, "aliases": list(aliases)}
            add_service(made, ids, {**content, "ativo": active})


def add_logistics(company: Company, ids: Ids, *, name: str, kind: str) -> Json:
    """Add logistics without services."""
    made: Json = {
        "id": ids.take(),
        "descricao": name,
        "tipoIntegracao": kind,
        "integracaoNativa": kind != CUSTOM,
        "situacao": "H",
        "integracao": {"id": ids.take() if kind != CUSTOM else 0},
        "servicos": [],
    }
    company.logistics[made["id"]] = made
    return made


def add_service(logistics: Json, ids: Ids, content: Json) -> Json:
    """Add a service to logistics; what the content leaves out is empty."""
    service: Json = {
        "id": ids.take(),
        "descricao": "",
        "freteItem": 0,
        "estimativaEntrega": 0,
        "codigo": "",
        "idCodigoServico": str(len(logistics["servicos"]) + 1),
        "logistica": {"id": logistics["id"]},
        "transportador": {"id": 0},
        "aliases": [],
        "ativo": True,
        **content,
    }
    logistics["servicos"].append(service)
    return service


def services(company: Company) -> list[Json]:
    """List the services of all logistics."""
    return [service for one in company.logistics.values() for service in one["servicos"]]


def service_with_id(company: Company, service_id: int) -> Json | None:
    """Find a service."""
    return next((one for one in services(company) if one["id"] == service_id), None)


def service_named(company: Company, name: str) -> Json | None:
    """Find a service by its name or one of its aliases, as orders write it."""
    named = (one for one in services(company) if name in (one["descricao"], *one["aliases"]))
    return next(named, None)


def summary(logistics: Json) -> Json:
    """Show logistics as lists do: of its services only the ids."""
    return {**logistics, "servicos": [{"id": one["id"]} for one in logistics["servicos"]]}


def detail(logistics: Json, *, with_inactive: bool) -> Json:
    """Show logistics with its services; the inactive ones only when they are asked for."""
    shown = [one for one in logistics["servicos"] if one["ativo"] or with_inactive]
    # The code of a service is told by its own path alone.
    hidden = "idCodigoServico"
    plain = [{name: value for name, value in one.items() if name != hidden} for one in shown]
    return {**logistics, "servicos": plain}


def keep(records: dict[int, Record], ids: Ids, clock: Clock, content: Json) -> Record:
    """Keep a new parcel or shipment."""
    now = clock()
    record = Record({"id": ids.take(), **content}, created_at=now, changed_at=now)
    records[record.id] = record
    return record
