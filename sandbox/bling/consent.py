"""The authorisation server's endpoints: the consent page, tokens and revocation."""

import base64
import binascii
import hmac
from collections.abc import Mapping
from typing import Literal

import aiohttp_jinja2
from aiohttp import web
from yarl import URL

from sandbox.bling.context import SANDBOX
from sandbox.bling.errors import ApiError, missing, validation
from sandbox.bling.sandbox import Sandbox
from sandbox.bling.state import Json

APP_NAME = "Integração Bling e 360Envios"

_FORM = "application/x-www-form-urlencoded"


async def show_consent(request: web.Request) -> web.StreamResponse:
    """Ask a person whether the app may use a company's account."""
    sandbox = request.app[SANDBOX]
    problem = _problem(sandbox, request.query)
    if problem:
        return _page(request, {"problem": problem}, status=400)
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
    if company_id not in sandbox.companies:
        problem = "A empresa informada não existe."
    if problem:
        return _page(request, {"problem": problem}, status=400)
    answer = {"state": form["state"]}
    if form.get("decision") == "authorize":
        answer["code"] = sandbox.authorisations.issue_code(company_id)
    else:
        answer["error"] = "access_denied"
        answer["error_description"] = "The user denied access to your application"
    target = URL(str(sandbox.settings.redirect_url)).update_query(answer)
    return web.Response(status=302, headers={"Location": str(target)})


async def issue_tokens(request: web.Request) -> web.Response:
    """Exchange a code or a refresh token."""
    sandbox = request.app[SANDBOX]
    form = await _app_form(request)
    jwt = request.headers.get("enable-jwt") == "1"
    match form.get("grant_type"):
        case "authorization_code":
            answer = sandbox.authorisations.exchange(_required(form, "code"), jwt=jwt)
        case "refresh_token":
            answer = sandbox.authorisations.refresh(_required(form, "refresh_token"), jwt=jwt)
        case None | "":
            raise missing("grant_type")
        case _:
            raise ApiError(400, "unsupported_grant_type", "The grant type is not supported")
    return web.json_response(answer, headers={"Cache-Control": "no-store"})


async def revoke(request: web.Request) -> web.Response:
    """Revoke one token, or the whole authorisation when an action is named.

    Bling documents neither status nor body of the success; RFC 7009 says 200.
    """
    sandbox = request.app[SANDBOX]
    form = await _app_form(request)
    hint = _hint(form.get("token_type_hint"))
    company_id = sandbox.authorisations.revoke_token(_required(form, "token"), hint=hint)
    if company_id is not None and form.get("revoke_action") in ("logout", "uninstall"):
        sandbox.authorisations.revoke_company(company_id)
    return web.json_response({})


def _problem(sandbox: Sandbox, values: Mapping[str, str]) -> str:
    if values.get("response_type", "code") != "code":
        return "O parâmetro response_type deve ser code."
    if values.get("client_id") != sandbox.settings.client_id:
        return "O aplicativo informado em client_id não existe."
    if not values.get("state"):
        return "O parâmetro state é obrigatório."
    return ""


def _page(request: web.Request, content: Json, *, status: int = 200) -> web.Response:
    return aiohttp_jinja2.render_template("consent.html", request, content, status=status)


async def _app_form(request: web.Request) -> dict[str, str]:
    """Check the app's Basic credentials and read the form; neither has another place."""
    settings = request.app[SANDBOX].settings
    expected = f"{settings.client_id}:{settings.client_secret}".encode()
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


def _hint(text: str | None) -> Literal["access_token", "refresh_token"] | None:
    match text:
        case None | "":
            return None
        case "access_token" | "refresh_token":
            return text
        case _:
            raise validation("O parâmetro token_type_hint é inválido")
