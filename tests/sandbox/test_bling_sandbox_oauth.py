"""Authorisation at Bling's double: consent, tokens, rotation, revocation."""

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
