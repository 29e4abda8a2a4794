// Clients that sign in: they are refused, find the way by what they are told, register, send a person to
// the page that asks, exchange the code, call, refresh, and are refused again when the key is ended.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { Client as NewClient, StreamableHTTPClientTransport as NewHttp } from "@modelcontextprotocol/client";
import { Client as OldClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as OldHttp } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

import { directory, startGate } from "../gate.mjs";
import { answer } from "./consent.mjs";
import { remote } from "./links.mjs";

const gate = await startGate(["--sandbox", "--listen", "127.0.0.1:0"]);
const { demo } = gate.sandbox;
const url = new URL(`${gate.url}/mcp`);
const info = { name: "notegate-tests", version: "1.0.0" };
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** An access token that is none any more, as after a quarter of an hour. */
const spoilt = (token) => token.slice(0, -4) + (token.endsWith("AAAA") ? "BBBB" : "AAAA");

/** Remembers what a client has to, and has a person answer. */
class Provider {
  redirectUrl = "http://localhost:4711/callback";
  clientMetadata = { client_name: "A client", redirect_uris: [this.redirectUrl], token_endpoint_auth_method: "none" };
  kept = {};
  answered = [];

  constructor(choice) {
    this.choice = choice;
  }
  state = () => "a state of the test";
  clientInformation = () => this.kept.client;
  saveClientInformation = (client) => void (this.kept.client = client);
  tokens = () => this.kept.tokens;
  saveTokens = (tokens) => void (this.kept.tokens = tokens);
  codeVerifier = () => this.kept.verifier;
  saveCodeVerifier = (verifier) => void (this.kept.verifier = verifier);
  discoveryState = () => this.kept.discovery;
  saveDiscoveryState = (discovery) => void (this.kept.discovery = discovery);
  invalidateCredentials(what) {
    if (what === "all") this.kept = {};
    delete this.kept[what];
  }
  async redirectToAuthorization(to) {
    this.asked = to;
    this.answered.push(new URL(await answer(to.href, gate.admin_key, this.choice)).searchParams);
  }
}

/** The key that the client of this id has. */
async function keyOf(id) {
  const { body } = await gate.call(gate.admin_key, "GET", "/api/v1/keys");
  return body.items.find((key) => JSON.stringify(key).includes(id) && !key.revoked_at);
}

for (const [name, client, Http, finish] of [
  ["sdk 1.x", () => new OldClient(info), OldHttp, (http, given) => http.finishAuth(given.get("code"))],
  ...["legacy", "auto"].map((mode) => [
    `client 2.x, ${mode}`,
    () => new NewClient(info, { versionNegotiation: { mode } }),
    NewHttp,
    (http, given) => http.finishAuth(given),
  ]),
]) {
  /** Connects; a person answers on the way. */
  async function signIn(provider) {
    const first = new Http(url, { authProvider: provider });
    await assert.rejects(client().connect(first), /unauthorized/i);
    await finish(first, provider.answered.at(-1));
    const connected = client();
    await connected.connect(new Http(url, { authProvider: provider }));
    return connected;
  }

  test(`${name} signs in, refreshes, and is ended`, async (t) => {
    const provider = new Provider({ role: "viewer", within: demo.team_page_id });
    const connected = await signIn(provider);
    t.after(() => connected.close());
    const asked = Object.fromEntries(provider.asked.searchParams);
    assert.equal(asked.code_challenge_method, "S256");
    assert.equal(asked.resource, url.href);
    const { tools } = await connected.listTools();
    assert.ok(tools.some((tool) => tool.name === "search"));
    const page = await connected.callTool({ name: "fetch", arguments: { ids: [demo.team_page_id] } });
    assert.match(page.content[0].text, /Engineering/);
    const outside = await connected.callTool({ name: "fetch", arguments: { ids: [demo.other_page_id] } });
    assert.equal(outside.isError, true, "the person chose what is below one page");

    const before = provider.kept.tokens;
    provider.kept.tokens = { ...before, access_token: spoilt(before.access_token) };
    await connected.callTool({ name: "self", arguments: {} });
    assert.notEqual(provider.kept.tokens.refresh_token, before.refresh_token, "it refreshed");
    assert.equal(provider.answered.length, 1, "and asked nobody");

    const key = await keyOf(asked.client_id);
    const ended = await gate.call(gate.admin_key, "DELETE", `/api/v1/keys/${key.id}`);
    assert.equal(ended.status, 204);
    provider.choice = { decision: "deny" };
    await assert.rejects(connected.callTool({ name: "self", arguments: {} }), /unauthorized|401/i);
    assert.equal(provider.answered.length, 2, "it asks the person again");
    assert.equal(provider.answered[1].get("error"), "access_denied");
    assert.equal(provider.answered[1].get("state"), "a state of the test");
  });
}

test("client 2.x asks for more when a tool needs it", async (t) => {
  const provider = new Provider({ role: "viewer" });
  const first = new NewHttp(url, { authProvider: provider });
  const connecting = new NewClient(info, { versionNegotiation: { mode: "auto" } });
  await assert.rejects(connecting.connect(first), /unauthorized/i);
  await first.finishAuth(provider.answered[0]);
  const connected = new NewClient(info, { versionNegotiation: { mode: "auto" } });
  const http = new NewHttp(url, { authProvider: provider });
  await connected.connect(http);
  t.after(() => connected.close());
  provider.choice = { role: "editor" };
  const write = () =>
    connected.callTool({
      name: "create_pages",
      arguments: { parent: demo.team_page_id, pages: [{ title: "By a client" }] },
    });
  await assert.rejects(write(), /unauthorized|scope/i);
  assert.match(provider.asked.searchParams.get("scope"), /notion:write/);
  await http.finishAuth(provider.answered[1]);
  const made = await write();
  assert.ok(!made.isError, made.content[0].text);
});

test("mcp-remote signs in, and need not again", async (t) => {
  const home = directory();
  const start = () => {
    const { command, args, env } = remote(url.href, [], { MCP_REMOTE_CONFIG_DIR: home, BROWSER: "/bin/true" });
    const child = spawn(command, args, { env });
    t.after(() => child.kill());
    let [out, log] = ["", ""];
    child.stdout.on("data", (text) => (out += text));
    child.stderr.on("data", (text) => (log += text));
    const until = async (what, found) => {
      for (const deadline = Date.now() + 30_000; ; await pause(30)) {
        const it = found();
        if (it) return it;
        assert.ok(Date.now() < deadline, `mcp-remote: no ${what}\n${log}`);
      }
    };
    const ask = (id, method, params) => {
      child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`);
      return until(`answer to ${method}`, () =>
        out.split("\n").filter(Boolean).map(JSON.parse).find((message) => message.id === id),
      );
    };
    return { ask, until, log: () => log };
  };
  const open = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: info };
  const call = { name: "fetch", arguments: { ids: [demo.team_page_id] } };

  const one = start();
  const opened = one.ask(1, "initialize", open);
  const visit = /visiting:\s+(http\S+)/;
  const page = await one.until("address to visit", () => visit.exec(one.log())?.[1]);
  const back = await fetch(await answer(page, gate.admin_key));
  assert.ok(back.ok, await back.text());
  assert.equal((await opened).result.serverInfo.name, "notegate");
  const called = await one.ask(2, "tools/call", call);
  assert.match(called.result.content[0].text, /Engineering/);
  const file = readdirSync(home, { recursive: true }).find((path) => path.endsWith("_tokens.json"));
  const kept = JSON.parse(readFileSync(join(home, file), "utf8"));
  writeFileSync(join(home, file), JSON.stringify({ ...kept, access_token: spoilt(kept.access_token) }));
  assert.match((await one.ask(3, "tools/call", call)).result.content[0].text, /Engineering/, "refreshed");

  const two = start();
  assert.equal((await two.ask(1, "initialize", open)).result.serverInfo.name, "notegate");
  assert.doesNotMatch(two.log(), visit);
});
