"""The HTTP side of every service, over real sockets."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import BaseModel, SecretStr

from shared.web import ACTOR, Problem, application, bearer, body_of
from tests.shared.web import example

Client = TestClient[web.Request, web.Application]


class Parcel(BaseModel):
    weight_g: int
    document: str


@pytest.fixture
def checks() -> dict[str, bool]:
    return {"database": True, "bus": True}


@pytest.fixture
async def client(checks: dict[str, bool]) -> AsyncIterator[Client]:
    async def ready() -> dict[str, bool]:
        return checks

    app = application("ground", ready=ready, client_max_size=1000)
    app.router.add_get("/missing-parcel", _raise(_no_parcel()))
    app.router.add_get("/defect", _raise(RuntimeError("Maria da Silva")))
    app.router.add_get("/elsewhere", _raise(web.HTTPFound("/healthz")))
    app.router.add_post("/parcels", _parcel)
    api = web.Application(
        middlewares=[bearer({"ana": SecretStr("t0ken"), "bot": SecretStr("an0ther")})]
    )
    api.router.add_get("/me", _me)
    app.add_subapp("/api/", api)
    async with TestClient(TestServer(app)) as client:
        yield client


def _no_parcel() -> Problem:
    return Problem(404, "no_parcel", "There is no such parcel", "Parcel 7", parcel=7)


def _raise(error: Exception) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handler(_request: web.Request) -> web.Response:
        raise error

    return handler


async def _parcel(request: web.Request) -> web.Response:
    parcel = await body_of(request, Parcel)
    return web.json_response({"weight_g": parcel.weight_g})


async def _me(request: web.Request) -> web.Response:
    return web.json_response({"actor": request[ACTOR]})


async def problem_of(response: aiohttp.ClientResponse, status: int) -> dict[str, Any]:
    assert response.status == status
    assert response.content_type == "application/problem+json"
    body: dict[str, Any] = await response.json(content_type=None)
    assert body["status"] == status
    assert body["title"]
    return body


async def test_a_problem_is_answered_as_one(client: Client) -> None:
    body = await problem_of(await client.get("/missing-parcel"), 404)

    assert body == {
        "type": "urn:bling-360hub-sync:problem:no_parcel",
        "status": 404,
        "code": "no_parcel",
        "title": "There is no such parcel",
        "detail": "Parcel 7",
        "parcel": 7,
    }


async def test_a_defect_is_answered_without_saying_what_it_was(client: Client) -> None:
    response = await client.get("/defect")

    assert (await problem_of(response, 500))["code"] == "internal_error"
    assert "Maria" not in await response.text()


async def test_unknown_addresses_and_methods_are_problems(client: Client) -> None:
    assert (await problem_of(await client.get("/nowhere"), 404))["code"] == "not_found"

    response = await client.delete("/parcels")
    assert (await problem_of(response, 405))["code"] == "method_not_allowed"
    assert response.headers["Allow"] == "POST"


async def test_a_redirect_stays_a_redirect(client: Client) -> None:
    response = await client.get("/elsewhere", allow_redirects=False)

    assert response.status == 302


async def test_a_body_over_the_limit_is_refused(client: Client) -> None:
    response = await client.post("/parcels", data=b"x" * 1001)

    assert (await problem_of(response, 413))["code"] == "body_too_large"


async def test_a_body_that_is_not_json_is_refused(client: Client) -> None:
    response = await client.post("/parcels", data=b"{")

    assert (await problem_of(response, 400))["code"] == "body_not_json"


async def test_a_body_of_another_form_is_refused_without_quoting_it(client: Client) -> None:
    response = await client.post("/parcels", json={"weight_g": "Maria"})

    body = await problem_of(response, 422)
    assert [each["pointer"] for each in body["errors"]] == ["/weight_g", "/document"]
    assert "Maria" not in await response.text()


async def test_a_sound_body_is_parsed(client: Client) -> None:
    response = await client.post("/parcels", json={"weight_g": 7, "document": "x"})

    assert await response.json() == {"weight_g": 7}


@pytest.mark.parametrize(
    "header", [None, "t0ken", "Basic t0ken", "Bearer ", "Bearer wrong", "Bearer é"]
)
async def test_who_has_no_token_is_not_let_in(client: Client, header: str | None) -> None:
    response = await client.get("/api/me", headers={"Authorization": header} if header else {})

    assert (await problem_of(response, 401))["code"] == "unauthorized"
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_token_of_bytes_that_are_no_text_lets_nobody_in(client: Client) -> None:
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(b"GET /api/me HTTP/1.0\r\nAuthorization: Bearer \xff\r\n\r\n")

    assert b" 401 " in await reader.readline()

    writer.close()


@pytest.mark.parametrize(("token", "actor"), [("t0ken", "ana"), ("an0ther", "bot")])
async def test_a_token_tells_who_calls(client: Client, token: str, actor: str) -> None:
    response = await client.get("/api/me", headers={"Authorization": f"Bearer {token}"})

    assert await response.json() == {"actor": actor}


async def test_health_says_that_the_process_lives(client: Client, checks: dict[str, bool]) -> None:
    checks["database"] = False

    response = await client.get("/healthz")

    assert response.status == 200


async def test_readiness_names_each_dependency(client: Client, checks: dict[str, bool]) -> None:
    assert (await client.get("/readyz")).status == 200

    checks["bus"] = False
    response = await client.get("/readyz")

    assert response.status == 503
    assert (await response.json())["checks"] == {"database": True, "bus": False}


async def test_the_request_s_id_is_kept_or_given(client: Client) -> None:
    kept = await client.get("/healthz", headers={"X-Request-Id": "abc-1"})
    given = await client.get("/nowhere", headers={"X-Request-Id": "not a worthy id"})

    assert kept.headers["X-Request-Id"] == "abc-1"
    assert len(given.headers["X-Request-Id"]) == 36


async def test_a_process_serves_and_stops_in_order_when_told(unused_tcp_port: int) -> None:
    process = await _example("quick", unused_tcp_port)
    assert await _line(process) == example.ACQUIRED
    async with aiohttp.ClientSession() as session:
        slow = asyncio.create_task(_get(session, unused_tcp_port))
        assert await _line(process) == example.HANDLING

        os.kill(process.pid, signal.SIGTERM)

        assert await slow == 200  # what was under way came to its end
    assert await _line(process) == example.RELEASED
    assert await process.wait() == 0


async def test_a_process_that_waits_to_start_stops_when_told(unused_tcp_port: int) -> None:
    process = await _example("never", unused_tcp_port)
    assert await _line(process) == example.ACQUIRED

    os.kill(process.pid, signal.SIGTERM)

    assert await asyncio.wait_for(process.wait(), 10) == 0


async def test_a_taken_address_ends_the_process(unused_tcp_port: int) -> None:
    with socket.create_server(("127.0.0.1", unused_tcp_port)):
        process = await _example("quick", unused_tcp_port)

        assert await asyncio.wait_for(process.wait(), 10) == 2


async def _example(kind: str, port: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        example.__name__,
        kind,
        str(port),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )


async def _line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), 10)).decode().strip()


async def _get(session: aiohttp.ClientSession, port: int) -> int:
    while True:
        try:
            async with session.get(f"http://127.0.0.1:{port}/slow") as response:
                return response.status
        except aiohttp.ClientConnectorError:
            await asyncio.sleep(0.02)
