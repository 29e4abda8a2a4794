"""The Python SDK of either line in front of a gate: with a key, and after a person let it in."""

import asyncio
import json
import os
import subprocess
import unittest
import urllib.request
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import mcp
from mcp.client.auth import OAuthClientProvider
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.auth import OAuthClientMetadata

GATE, ADMIN, VIEWER = (os.environ[name] for name in ("GATE", "ADMIN_KEY", "VIEWER_KEY"))
PAGE, OUTSIDE = os.environ["PAGE"], os.environ["OUTSIDE"]
MISSING = "00000000-0000-4000-8000-000000000000"
REDIRECT = "http://localhost:4711/callback"
# From 2.0 on there is a client of both eras.
NEW = hasattr(mcp, "Client")
# 2.x tells what the gate says, 1.x only the status.
REFUSED = "no key was shown|the key is unknown|revoked|ended" if NEW else "401"
MODES = ["legacy", "auto", "2026-07-28"] if NEW else ["legacy"]


@asynccontextmanager
async def connected(transport, mode):
    """A client on this transport."""
    if NEW:
        async with mcp.Client(transport, mode=mode) as client:
            yield client
    else:
        async with transport as (read, write, *_), mcp.ClientSession(read, write) as session:
            await session.initialize()
            yield session


@asynccontextmanager
async def over_http(mode, key=None, auth=None, path="/mcp/all"):
    headers = {"Authorization": f"Bearer {key}"} if key else None
    async with create_mcp_http_client(headers=headers, auth=auth) as http:
        async with connected(streamable_http_client(GATE + path, http_client=http), mode) as client:
            yield client


@asynccontextmanager
async def over_stdio(mode, key):
    environment = {"NOTEGATE_URL": GATE, "NOTEGATE_KEY": key}
    command = StdioServerParameters(
        command=os.environ["NOTEGATE"], args=["mcp", "--tools", "all"], env=environment
    )
    async with connected(stdio_client(command), mode) as client:
        yield client


def plain(result):
    """A result by the names of the protocol."""
    return result.model_dump(mode="json", by_alias=True, exclude_none=True)


async def call(client, tool, **given):
    result = plain(await client.call_tool(tool, given))
    return result.get("isError", False), result["content"][0]["text"]


def ask(method, url, body=None, key=None):
    data = json.dumps(body).encode() if body else None
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    request = urllib.request.Request(url, data=data, method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def newest(operation):
    """The newest entry of the ledger for an operation."""
    entries = ask("GET", f"{GATE}/api/v1/audit?limit=20", key=ADMIN)["items"]
    return next((entry["seq"] for entry in entries if entry["operation"] == operation), None)


def causes(error):
    """Everything that an error says, with those inside it."""
    inner = [*getattr(error, "exceptions", ()), error.__cause__, error.__context__]
    return " ".join([str(error), *(causes(one) for one in inner if one)])


class WithAKey(unittest.IsolatedAsyncioTestCase):
    async def everything(self, client):
        names = [tool.name for tool in (await client.list_tools()).tools]
        self.assertIn("search", names)
        self.assertIn("API-post-search", names)
        read = plain(await client.read_resource(f"notion://page/{PAGE}"))
        self.assertIn("Engineering", read["contents"][0]["text"])
        self.assertEqual((await call(client, "search", query="Engineering"))[0], False)
        failed, page = await call(client, "API-retrieve-a-page", page_id=PAGE)
        self.assertEqual((failed, json.loads(page)["id"]), (False, PAGE))
        failed, error = await call(client, "API-retrieve-a-page", page_id=MISSING)
        self.assertEqual((failed, json.loads(error)["code"]), (True, "object_not_found"))
        self.assertTrue((await call(client, "fetch", ids=[MISSING]))[0])

    async def cancelled(self, client, frees):
        before = newest("get-self")
        faults = os.environ["SANDBOX"] + "/_sandbox/faults"
        ask("DELETE", faults)
        latency = 30_000 if frees else 1_000
        ask("POST", faults, {"match": {"operation": "get-self"}, "latency_ms": latency, "times": 1})
        slow = asyncio.create_task(client.call_tool("API-get-self", {}))
        while '"hits": 1' not in json.dumps(ask("GET", faults)):
            await asyncio.sleep(0.03)
        slow.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await slow
        self.assertFalse((await call(client, "API-retrieve-a-page", page_id=PAGE))[0])
        # It is over long before Notion would have answered, or, where nobody can end it, when Notion has.
        for _ in range(200):
            if newest("get-self") != before:
                return
            await asyncio.sleep(0.05)
        self.fail("the call to Notion goes on")

    async def test_http_and_stdio(self):
        for mode in MODES:
            for way in (over_http, over_stdio):
                with self.subTest(mode=mode, way=way.__name__):
                    async with way(mode, ADMIN) as client:
                        await self.everything(client)
                        # 1.x tells nobody when its user gives up, and breaks when the answer comes. 2.x says
                        # it in the old era in a message of its own, which over HTTP names no call.
                        if NEW:
                            await self.cancelled(client, way is over_stdio or mode != "legacy")

    async def test_a_narrow_key(self):
        for mode in MODES:
            async with over_http(mode, VIEWER) as client:
                for tool in (await client.list_tools()).tools:
                    self.assertTrue(plain(tool)["annotations"]["readOnlyHint"], tool.name)
                failed, text = await call(client, "API-retrieve-a-page", page_id=OUTSIDE)
                self.assertEqual((failed, json.loads(text)["code"]), (True, "object_not_found"))

    async def test_without_a_key(self):
        for mode in MODES:
            for key in (None, "ngk_wrong"):
                with self.subTest(mode=mode, key=key), self.assertRaises(BaseException) as refused:
                    async with over_http(mode, key) as client:
                        await client.list_tools()
                self.assertRegex(causes(refused.exception), REFUSED)


class Storage:
    """What a client remembers."""

    tokens = info = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.info

    async def set_client_info(self, info):
        self.info = info


class Person:
    """Answers the page that asks, as `consent.mjs` does."""

    asked = 0

    async def open(self, url):
        self.asked += 1
        command = [os.environ["NODE"], "consent.mjs", url]
        self.sent_to = subprocess.check_output(command, text=True, timeout=60).strip()

    async def answer(self):
        given = {name: values[0] for name, values in parse_qs(urlsplit(self.sent_to).query).items()}
        if not NEW:
            return given["code"], given["state"]
        from mcp.shared.auth import AuthorizationCodeResult

        return AuthorizationCodeResult(**given)


class SignIn(unittest.IsolatedAsyncioTestCase):
    async def test_signs_in_refreshes_and_is_ended(self):
        for mode in MODES:
            with self.subTest(mode=mode):
                await self.signs_in(mode)

    async def signs_in(self, mode):
        person, storage = Person(), Storage()
        metadata = OAuthClientMetadata(client_name="A client", redirect_uris=[REDIRECT])
        provider = OAuthClientProvider(
            f"{GATE}/mcp", metadata, storage, redirect_handler=person.open, callback_handler=person.answer
        )
        async with over_http(mode, auth=provider, path="/mcp") as client:
            failed, page = await call(client, "fetch", ids=[PAGE])
            self.assertFalse(failed, page)
            self.assertIn("Engineering", page)
            self.assertEqual(person.asked, 1)
            before = storage.tokens.refresh_token
            provider.context.token_expiry_time = 1
            self.assertFalse((await call(client, "self"))[0])
            self.assertNotEqual(storage.tokens.refresh_token, before)
            self.assertEqual(person.asked, 1)
        listed = ask("GET", f"{GATE}/api/v1/keys", key=ADMIN)["items"]
        key = next(key for key in listed if storage.info.client_id in json.dumps(key))
        ask("DELETE", f"{GATE}/api/v1/keys/{key['id']}", key=ADMIN)
        with self.assertRaises(BaseException) as refused:
            async with over_http(mode, storage.tokens.access_token, path="/mcp") as client:
                await client.list_tools()
        self.assertRegex(causes(refused.exception), REFUSED)
