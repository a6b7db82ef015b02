"""Authorisation at Bling's double: consent, tokens, rotation, revocation."""

from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio

from tests.sandbox.bling_double import CLIENT_ID, V3, Double, basic, fast_double

double = pytest_asyncio.fixture(fast_double)


async def test_consent_page_names_app_and_companies(double: Double) -> None:
    query = {"response_type": "code", "client_id": CLIENT_ID, "state": "s1", "scope": "ignored"}

    async with double.http.get(f"{V3}/oauth/authorize", params=query) as answer:
        page = await answer.text()

    assert answer.status == 200
    assert "Integração Bling e 360Envios" in page
    assert "Autorizar" in page
    assert "Negar" in page
    assert "Jacarandá" in page


async def test_consent_without_state_is_refused(double: Double) -> None:
    query = {"response_type": "code", "client_id": CLIENT_ID, "state": ""}

    async with double.http.get(f"{V3}/oauth/authorize", params=query) as answer:
        assert answer.status == 400
        assert "state" in await answer.text()


async def test_denied_consent_goes_back_with_the_refusal(double: Double) -> None:
    answer = await double.consent(decision="deny")

    assert answer["error"] == "access_denied"
    assert answer["state"] == "s1"
    assert "code" not in answer


async def test_code_gives_tokens_of_the_chosen_company(double: Double) -> None:
    other = await double.control("POST", "companies", name="Outra Loja Ltda")
    code = (await double.consent(company=other["id"]))["code"]

    status, tokens = await double.token(grant_type="authorization_code", code=code)

    assert status == 200
    assert tokens["expires_in"] == 21600
    assert tokens["token_type"] == "bearer"
    double.access_token = tokens["access_token"]
    _, company = await double.api("GET", "/empresas/me/dados-basicos")
    assert company["data"]["id"] == other["id"]
    assert company["data"]["nome"] == "Outra Loja Ltda"


async def test_code_lives_one_minute(double: Double) -> None:
    code = (await double.consent())["code"]
    double.clock.advance(seconds=60)

    status, body = await double.token(grant_type="authorization_code", code=code)

    assert status == 400
    assert body["error"]["type"] == "invalid_grant"


async def test_second_use_of_a_living_code_revokes_the_company(double: Double) -> None:
    code = (await double.consent())["code"]
    _, tokens = await double.token(grant_type="authorization_code", code=code)
    double.access_token = tokens["access_token"]
    assert (await double.api("GET", "/pedidos/vendas"))[0] == 200

    status, body = await double.token(grant_type="authorization_code", code=code)

    assert (status, body["error"]["type"]) == (400, "VALIDATION_ERROR")
    assert (await double.api("GET", "/pedidos/vendas"))[0] == 401
    refused, body = await double.token(
        grant_type="refresh_token", refresh_token=tokens["refresh_token"]
    )
    assert (refused, body["error"]["type"]) == (400, "invalid_grant")


async def test_refresh_rotates(double: Double) -> None:
    old = double.refresh_token

    status, tokens = await double.token(grant_type="refresh_token", refresh_token=old)
    again, body = await double.token(grant_type="refresh_token", refresh_token=old)

    assert status == 200
    assert tokens["refresh_token"] != old
    assert (again, body["error"]["type"]) == (400, "invalid_grant")


async def test_refresh_token_lives_thirty_days(double: Double) -> None:
    double.clock.advance(days=30)

    status, body = await double.token(
        grant_type="refresh_token", refresh_token=double.refresh_token
    )

    assert (status, body["error"]["type"]) == (400, "invalid_grant")


async def test_access_token_expires_after_six_hours(double: Double) -> None:
    double.clock.advance(hours=6)

    status, body = await double.api("GET", "/pedidos/vendas")

    assert (status, body["error"]["type"]) == (401, "invalid_token")
    assert "expired" in body["error"]["message"]


async def test_control_expires_access_tokens_but_refresh_works(double: Double) -> None:
    await double.control("POST", "tokens/expire")

    status, _ = await double.api("GET", "/pedidos/vendas")
    refreshed, _ = await double.token(
        grant_type="refresh_token", refresh_token=double.refresh_token
    )

    assert (status, refreshed) == (401, 200)


async def test_jwt_is_long_and_works(double: Double) -> None:
    _, tokens = await double.token(
        jwt=True, grant_type="refresh_token", refresh_token=double.refresh_token
    )
    double.access_token = tokens["access_token"]

    assert 1500 <= len(tokens["access_token"]) <= 3000
    assert tokens["access_token"].count(".") == 2
    assert (await double.api("GET", "/pedidos/vendas"))[0] == 200


async def test_wrong_secret_and_json_body_are_refused(double: Double) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": double.refresh_token}

    async with double.http.post(f"{V3}/oauth/token", data=form, headers=basic("wrong")) as answer:
        assert answer.status == 401
        assert (await answer.json())["error"]["type"] == "invalid_client"
    async with double.http.post(f"{V3}/oauth/token", json=form, headers=basic()) as answer:
        assert answer.status == 400


async def test_revoked_token_is_worth_nothing(double: Double) -> None:
    form = {"token": double.access_token, "token_type_hint": "access_token"}

    async with double.http.post(f"{V3}/oauth/revoke", data=form, headers=basic()) as answer:
        assert answer.status == 200

    assert (await double.api("GET", "/pedidos/vendas"))[0] == 401
    refreshed, _ = await double.token(
        grant_type="refresh_token", refresh_token=double.refresh_token
    )
    assert refreshed == 200


async def test_uninstalling_ends_the_whole_authorisation(double: Double) -> None:
    form = {"token": double.access_token, "revoke_action": "uninstall"}

    async with double.http.post(f"{V3}/oauth/revoke", data=form, headers=basic()) as answer:
        assert answer.status == 200

    status, _ = await double.token(grant_type="refresh_token", refresh_token=double.refresh_token)
    assert status == 400


async def test_resource_call_without_or_with_malformed_token(double: Double) -> None:
    async with double.http.get(f"{V3}/pedidos/vendas") as answer:
        assert answer.status == 401
        assert (await answer.json())["error"]["type"] == "invalid_token"
    headers = {"Authorization": "nonsense"}
    async with double.http.get(f"{V3}/pedidos/vendas", headers=headers) as answer:
        assert answer.status == 400
        assert (await answer.json())["error"]["type"] == "invalid_request"


async def test_opaque_tokens_are_short(double: Double) -> None:
    _, tokens = await double.refreshed()

    assert len(tokens["access_token"]) == 40


async def test_access_token_lives_as_long_as_its_answer_says(double: Double) -> None:
    await double.control("POST", "app", expires_in=90)
    _, tokens = await double.refreshed()

    await double.advance(seconds=89)
    before = await double.answers(double.access_token)
    await double.advance(seconds=1)

    assert tokens["expires_in"] == 90
    assert (before, await double.answers(double.access_token)) == (200, 401)


@pytest.mark.parametrize(("restarts", "status"), [(True, 200), (False, 400)])
async def test_refreshing_may_restart_the_thirty_days(
    double: Double, restarts: bool, status: int
) -> None:
    await double.control("POST", "unconfirmed", refresh_restarts_life=restarts)
    await double.advance(days=20)
    assert (await double.refreshed())[0] == 200
    await double.advance(days=10)

    assert (await double.refreshed())[0] == status


@pytest.mark.parametrize(("keeps", "status"), [(True, 200), (False, 401)])
async def test_older_access_token_may_survive_a_refresh(
    double: Double, keeps: bool, status: int
) -> None:
    await double.control("POST", "unconfirmed", refresh_keeps_access=keeps)
    old = double.access_token
    await double.refreshed()

    assert await double.answers(old) == status
    assert await double.answers(double.access_token) == 200


async def test_token_errors_may_have_the_plain_form(double: Double) -> None:
    await double.control("POST", "unconfirmed", token_errors="oauth", refused_refresh_status=401)
    double.refresh_token = "consumed"

    status, body = await double.refreshed()

    assert status == 401
    assert body == {
        "error": "invalid_grant",
        "error_description": "The refresh token is invalid",
    }
    _, resource = await double.api("GET", "/pedidos/vendas/1")
    assert resource["error"]["type"] == "RESOURCE_NOT_FOUND"


@pytest.mark.parametrize(("switch", "opaque"), [("accepted", 200), ("refused", 401)])
async def test_jwt_header_may_refuse_opaque_tokens(
    double: Double, switch: str, opaque: int
) -> None:
    await double.control("POST", "unconfirmed", opaque_with_jwt_header=switch)
    old = double.access_token
    await double.refreshed(jwt=True)
    header = {"enable-jwt": "1"}

    assert await double.answers(old, **header) == opaque
    assert await double.answers(old) == 200
    assert await double.answers(double.access_token, **header) == 200


async def test_new_client_secret_counts_at_once(double: Double) -> None:
    """Pitfall 29: the old secret is worth nothing from the moment of the change."""
    await double.control("POST", "app", client_secret="another-secret")
    grant, token = "refresh_token", double.refresh_token

    old, body = await double.token(grant_type=grant, refresh_token=token)
    new, _ = await double.token(secret="another-secret", grant_type=grant, refresh_token=token)

    assert (old, body["error"]["type"], new) == (401, "invalid_client", 200)


async def test_other_scopes_revoke_every_company(double: Double) -> None:
    """Pitfall 30: everybody has to authorise the app anew."""
    first = double.access_token
    other = await double.control("POST", "companies")
    await double.connect(other["id"])

    await double.control("POST", "app", scope="98309 98310")

    assert await double.answers(first) == 401
    assert await double.answers(double.access_token) == 401
    assert (await double.refreshed())[0] == 400
    await double.connect()
    assert (await double.refreshed())[1]["scope"] == "98309 98310"


async def test_inactive_app_goes_back_with_the_reason(double: Double) -> None:
    await double.control("POST", "app", inactive=True)
    query = {"response_type": "code", "client_id": CLIENT_ID, "state": "s1"}

    posted = await double.consent()
    async with double.http.get(
        f"{V3}/oauth/authorize", params=query, allow_redirects=False
    ) as answer:
        shown = parse_qs(urlsplit(answer.headers["Location"]).query)

    assert posted["error"] == "app_inativo"
    assert shown["error"] == ["app_inativo"]
    assert shown["state"] == ["s1"]
    assert set(posted) == {"error", "error_description", "error_uri", "state"}


@pytest.mark.parametrize("standing", ["active", "user_permitted"])
async def test_who_may_not_authorise_goes_back_with_the_reason(
    double: Double, standing: str
) -> None:
    await double.control("PATCH", "companies", **{standing: False})

    assert (await double.consent())["error"] == "UNAUTHORIZED_ERROR"


async def test_inactive_company_is_shut_out_until_it_is_active_again(double: Double) -> None:
    await double.control("PATCH", "companies", active=False)

    called = await double.answers(double.access_token)
    status, body = await double.refreshed()
    await double.control("PATCH", "companies", active=True)

    assert called == 401
    assert status == 400
    assert (body["error"]["type"], body["error"]["message"]) == (
        "UNAUTHORIZED_ERROR",
        "Empresa inativa",
    )
    assert (await double.refreshed())[0] == 200


async def test_user_without_permission_is_forbidden_and_can_refresh(double: Double) -> None:
    await double.control("PATCH", "companies", user_permitted=False)

    status, body = await double.api("GET", "/pedidos/vendas")

    assert (status, body["error"]["type"]) == (403, "FORBIDDEN")
    assert (await double.refreshed())[0] == 200


async def test_paths_without_the_version_are_forbidden(double: Double) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": double.refresh_token}
    for path in ("/oauth/token", "/oauth/revoke"):
        async with double.http.post(path, data=form, headers=basic()) as answer:
            assert answer.status == 403
            assert answer.content_type == "text/html"

    assert (await double.refreshed())[0] == 200


async def test_revocation_may_answer_without_a_body(double: Double) -> None:
    await double.control("POST", "unconfirmed", revoke_status=204)
    form = {"token": double.refresh_token, "token_type_hint": "refresh_token"}

    async with double.http.post(f"{V3}/oauth/revoke", data=form, headers=basic()) as answer:
        assert (answer.status, await answer.read()) == (204, b"")

    assert (await double.refreshed())[0] == 400
    assert await double.answers(double.access_token) == 200


@pytest.mark.parametrize("name", ["token_type_hint", "revoke_action", "revoke_target"])
async def test_unknown_words_of_a_revocation_are_refused(double: Double, name: str) -> None:
    form = {"token": double.access_token, name: "nonsense"}

    async with double.http.post(f"{V3}/oauth/revoke", data=form, headers=basic()) as answer:
        assert answer.status == 400

    assert await double.answers(double.access_token) == 200
