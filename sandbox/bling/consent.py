"""The authorisation server's endpoints: the consent page, tokens and revocation."""

import base64
import binascii
import hmac
from collections.abc import Mapping

import aiohttp_jinja2
from aiohttp import web
from yarl import URL

from sandbox.bling.context import COMPANY, GRANT_TYPE, SANDBOX
from sandbox.bling.errors import ApiError, missing, validation
from sandbox.bling.sandbox import Sandbox
from sandbox.bling.state import Company, Json

APP_NAME = "Integração Bling e 360Envios"

_FORM = "application/x-www-form-urlencoded"


async def show_consent(request: web.Request) -> web.StreamResponse:
    """Ask a person whether the app may use a company's account."""
    sandbox = request.app[SANDBOX]
    problem = _problem(sandbox, request.query)
    if problem:
        return _page(request, {"problem": problem}, status=400)
    if sandbox.registration.inactive:
        return _back_to_app(sandbox, request.query["state"], _INACTIVE_APP)
    content = {
        "app_name": APP_NAME,
        "client_id": request.query["client_id"],
        "state": request.query["state"],
        "companies": list(sandbox.companies.values()),
    }
    return _page(request, content)


async def take_consent(request: web.Request) -> web.StreamResponse:
    """Send the person back to the app with a code, or with the refusal."""
    sandbox = request.app[SANDBOX]
    form = {name: str(value) for name, value in (await request.post()).items()}
    problem = _problem(sandbox, form)
    company_id = form.get("company") or next(iter(sandbox.companies))
    company = sandbox.companies.get(company_id)
    if company is None:
        problem = "A empresa informada não existe."
    if problem or company is None:
        return _page(request, {"problem": problem}, status=400)
    refusal = _refusal(sandbox, company, form.get("decision", ""))
    answer = refusal or {"code": sandbox.authorisations.issue_code(company_id)}
    return _back_to_app(sandbox, form["state"], answer)


async def issue_tokens(request: web.Request) -> web.Response:
    """Exchange a code or a refresh token."""
    authorisations = request.app[SANDBOX].authorisations
    form = await _app_form(request)
    request[GRANT_TYPE] = form.get("grant_type", "")
    jwt = request.headers.get("enable-jwt") == "1"
    match form.get("grant_type"):
        case "authorization_code":
            company, answer = authorisations.exchange(_required(form, "code"), jwt=jwt)
        case "refresh_token":
            company, answer = authorisations.refresh(_required(form, "refresh_token"), jwt=jwt)
        case None | "":
            raise missing("grant_type")
        case _:
            raise ApiError(400, "unsupported_grant_type", "The grant type is not supported")
    request[COMPANY] = company
    return web.json_response(answer, headers={"Cache-Control": "no-store"})


async def revoke(request: web.Request) -> web.Response:
    """Revoke one token, or the whole authorisation when an action is named.

    A company has one user here, so that the two targets come to the same; the hint only helps to
    find the token (RFC 7009, 2.1).
    """
    sandbox = request.app[SANDBOX]
    form = await _app_form(request)
    _chosen(form, "token_type_hint", "access_token", "refresh_token")
    action = _chosen(form, "revoke_action", "logout", "uninstall")
    _chosen(form, "revoke_target", "user", "company")
    company_id = sandbox.authorisations.revoke_token(_required(form, "token"))
    if company_id is not None and action:
        sandbox.authorisations.revoke_company(company_id)
    status = sandbox.unconfirmed.revoke_status
    return web.json_response({}) if status == 200 else web.Response(status=status)


async def refuse_short_path(_: web.Request) -> web.Response:
    """Refuse the paths without /Api/v3, which Bling shows in places but does not serve."""
    return web.Response(status=403, text="<h1>403 Forbidden</h1>", content_type="text/html")


def _refusal(sandbox: Sandbox, company: Company, decision: str) -> dict[str, str] | None:
    if sandbox.registration.inactive:
        return _INACTIVE_APP
    if not (company.active and company.user_permitted):
        return _error("UNAUTHORIZED_ERROR", "O usuário não possui permissão para autorizar")
    if decision != "authorize":
        return _error("access_denied", "The user denied access to your application")
    return None


def _error(kind: str, description: str) -> dict[str, str]:
    uri = "https://developer.bling.com.br/erros-comuns"
    return {"error": kind, "error_description": description, "error_uri": uri}


_INACTIVE_APP = _error("app_inativo", "Este aplicativo foi inativado temporariamente")


def _back_to_app(sandbox: Sandbox, state: str, answer: Mapping[str, str]) -> web.Response:
    target = URL(str(sandbox.settings.redirect_url)).update_query({**answer, "state": state})
    return web.Response(status=302, headers={"Location": str(target)})


def _problem(sandbox: Sandbox, values: Mapping[str, str]) -> str:
    if values.get("response_type", "code") != "code":
        return "O parâmetro response_type deve ser code."
    if values.get("client_id") != sandbox.registration.client_id:
        return "O aplicativo informado em client_id não existe."
    if not values.get("state"):
        return "O parâmetro state é obrigatório."
    return ""


def _page(request: web.Request, content: Json, *, status: int = 200) -> web.Response:
    return aiohttp_jinja2.render_template("consent.html", request, content, status=status)


async def _app_form(request: web.Request) -> dict[str, str]:
    """Check the app's Basic credentials and read the form; neither has another place."""
    app = request.app[SANDBOX].registration
    expected = f"{app.client_id}:{app.client_secret}".encode()
    if not hmac.compare_digest(_basic(request), expected):
        raise ApiError(401, "invalid_client", "The client credentials are invalid")
    if request.content_type != _FORM:
        raise ApiError(400, "INVALID_REQUEST_BODY", f"O corpo da requisição deve ser {_FORM}")
    return {name: str(value) for name, value in (await request.post()).items()}


def _basic(request: web.Request) -> bytes:
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return b""
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _required(form: dict[str, str], name: str) -> str:
    value = form.get(name, "")
    if not value:
        raise missing(name)
    return value


def _chosen(form: dict[str, str], name: str, *choices: str) -> str | None:
    """Read one of a few words; Bling's answer to another one is not documented."""
    text = form.get(name, "")
    if text and text not in choices:
        raise validation(f"O parâmetro {name} é inválido")
    return text or None
