"""The pages for whoever plays Bling itself: webhooks, the clock, faults, how an account stands."""

from datetime import timedelta

from aiohttp import web

from sandbox.bling.controls import FaultControl, arm
from sandbox.bling.controls_account import StandingControl, change_standing
from sandbox.bling.controls_webhooks import WebhooksControl, change_rules
from sandbox.bling.faults import MOVING_FAULTS, RESOURCE_FAULTS, Fault
from sandbox.bling.seller_form import Form, FormError
from sandbox.bling.seller_page import act, home, reached, render
from sandbox.bling.state import Company
from sandbox.bling.webhooks import Resource

ROWS = 100
MOST_DAYS = 90

_STATES = {
    "pending": "a caminho", "held": "retido", "delivered": "entregue",
    "given_up": "sem mais tentativas", "dropped": "perdido", "disabled": "desligado",
}  # fmt: skip
RESOURCES = {
    Resource.ORDER: "Pedidos", Resource.PRODUCT: "Produtos", Resource.STOCK: "Estoque",
    Resource.VIRTUAL_STOCK: "Estoque virtual", Resource.PRODUCT_SUPPLIER: "Fornecedores",
    Resource.INVOICE: "NF-e", Resource.CONSUMER_INVOICE: "NFC-e",
}  # fmt: skip
FAULTS = {
    Fault.SITUATION_PATCH_REFUSED: "A mudança de situação é recusada (400)",
    Fault.SITUATION_RACE: "O vendedor muda a situação logo antes da integração",
    Fault.MOVED_AFTER_READ: "O vendedor muda a situação logo depois da leitura",
    Fault.STALE_READ: "O pedido é mostrado como era antes",
    Fault.ERROR_500: "Erro 500, nada acontece",
    Fault.ERROR_AFTER_WRITE: "Erro 500, mas a gravação valeu",
    Fault.BAD_GATEWAY: "Erro 502 em HTML",
    Fault.UNAVAILABLE: "Erro 503 em HTML",
    Fault.SLOW: "Resposta lenta",
    Fault.TIMEOUT_AFTER_WRITE: "Sem resposta, mas a gravação valeu",
    Fault.DROPPED_AFTER_WRITE: "Conexão cai, mas a gravação valeu",
    Fault.DROPPED_BEFORE: "Conexão cai, nada acontece",
    Fault.NOT_JSON: "Resposta que não é JSON",
    Fault.MALFORMED_JSON: "JSON cortado ao meio",
    Fault.WRONG_TYPES: "Tipos trocados no JSON",
    Fault.NOT_FOUND: "404 para algo que existe",
    Fault.TOO_MANY_REQUESTS: "Limite de requisições (429)",
    Fault.INSUFFICIENT_SCOPE: "Escopo insuficiente (403)",
}
_TOKEN = "/Api/v3/oauth/token"
_CALLS = {
    "/Api/v3/": "Todas", "/Api/v3/pedidos/vendas": "Pedidos", "/Api/v3/situacoes": "Situações",
    "/Api/v3/produtos": "Produtos", "/Api/v3/nfe": "Notas fiscais", _TOKEN: "Tokens",
}  # fmt: skip
_SPANS = {"minutes": "minutos", "hours": "horas", "days": "dias"}


async def show_webhooks(request: web.Request) -> web.Response:
    """Show the newest webhooks of a company, and how they go out."""
    sandbox, company = reached(request)
    own = [one for one in reversed(sandbox.webhooks.deliveries) if one.company is company]
    content = {
        "deliveries": own[:ROWS],
        "held": sum(one.state == "held" for one in own),
        "states": _STATES,
        "rules": company.webhooks,
        "resources": RESOURCES,
        "disabled": sandbox.webhooks.disabled_resources,
        "authorised": sandbox.authorisations.is_authorised(company.id),
    }
    return render(request, "webhooks", content)


async def act_on_webhooks(request: web.Request) -> web.Response:
    """Change how webhooks go out, or send the held ones."""
    return await act(request, {"rules": _set_rules, "release": _release}, show_webhooks)


async def show_playing(request: web.Request) -> web.Response:
    """Show the clock, the armed faults and how the account stands."""
    sandbox, company = reached(request)
    content = {
        "spans": _SPANS,
        "armed": [one for one in sandbox.faults.armed if one.company_id == company.id],
        "faults": FAULTS,
        "calls": _CALLS,
        "situations": company.situations.values(),
        "authorised": sandbox.authorisations.is_authorised(company.id),
    }
    return render(request, "playing", content)


async def act_on_playing(request: web.Request) -> web.Response:
    """Move the clock, arm or disarm faults, change how the account stands, add a company."""
    return await act(request, _DEEDS, show_playing)


async def _set_rules(request: web.Request, form: Form) -> tuple[str, str]:
    sandbox, company = reached(request)
    control = WebhooksControl(
        enabled=form.has("enabled"),
        hold=form.has("hold"),
        duplicate=form.has("duplicate"),
        reverse=form.has("reverse"),
        drop=form.whole("drop", "Perder os próximos", most=1000),
        updates_per_save=form.whole("updates", "Avisos por gravação", least=1, most=20),
        disabled_resources=frozenset(one for one in Resource if not form.has(f"resource-{one}")),
    )
    change_rules(sandbox, company, control)
    return home(company, "webhooks"), "saved"


async def _release(request: web.Request, _: Form) -> tuple[str, str]:
    sandbox, company = reached(request)
    await sandbox.webhooks.release(company, newest_first=False, at_once=False)
    return home(company, "webhooks"), "sent"


async def _advance(request: web.Request, form: Form) -> tuple[str, str]:
    sandbox, company = reached(request)
    unit = form.chosen("unit", "Unidade", _SPANS)
    span = timedelta(**{unit: form.whole("span", "Adiantar", least=1, most=10_000)})
    if span > timedelta(days=MOST_DAYS):
        raise FormError(f"Adiantar: o máximo de uma vez é {MOST_DAYS} dias.")
    await sandbox.advance(span)
    return _here(company), "advanced"


async def _arm(request: web.Request, form: Form) -> tuple[str, str]:
    sandbox, company = reached(request)
    fault = Fault(form.chosen("fault", "Falha", FAULTS))
    match = form.chosen("match", "Chamadas", _CALLS)
    if fault in RESOURCE_FAULTS and match == _TOKEN:
        raise FormError("Esta falha não acontece a chamadas de tokens.")
    choices = ["", *(str(known) for known in company.situations)]
    situation = form.chosen("situation", "Situação", choices)
    if fault in MOVING_FAULTS and not situation:
        raise FormError("Situação: escolha a que o vendedor dá ao pedido.")
    control = FaultControl(
        fault=fault,
        match=match,
        count=form.whole("count", "Quantas chamadas", least=1, most=10_000),
        seconds=form.amount("seconds", "Segundos", most=86_400),
        situation=int(situation) if situation else None,
    )
    arm(sandbox, company, control)
    return _here(company), "armed"


async def _disarm(request: web.Request, _: Form) -> tuple[str, str]:
    sandbox, company = reached(request)
    sandbox.faults.armed.clear()
    return _here(company), "disarmed"


async def _set_standing(request: web.Request, form: Form) -> tuple[str, str]:
    _, company = reached(request)
    standing = StandingControl(active=form.has("active"), user_permitted=form.has("permitted"))
    change_standing(company, standing)
    return _here(company), "saved"


async def _expire(request: web.Request, _: Form) -> tuple[str, str]:
    sandbox, company = reached(request)
    sandbox.authorisations.expire_access(company.id)
    return _here(company), "saved"


async def _revoke(request: web.Request, _: Form) -> tuple[str, str]:
    sandbox, company = reached(request)
    sandbox.authorisations.revoke_company(company.id)
    return _here(company), "saved"


async def _add_company(request: web.Request, form: Form) -> tuple[str, str]:
    sandbox, _ = reached(request)
    made = sandbox.add_company(form.text("name", "Nome da empresa", required=True))
    return _here(made), "created"


_DEEDS = {
    "advance": _advance, "arm": _arm, "disarm": _disarm, "standing": _set_standing,
    "expire": _expire, "revoke": _revoke, "add_company": _add_company,
}  # fmt: skip


def _here(company: Company) -> str:
    return home(company, "ensaio")
