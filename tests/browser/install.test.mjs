// Three workspaces of a sandbox are installed by OAuth: a person opens the gate, is asked by the
// sandbox's consent page, and comes back. One gate, one sandbox; each key reaches its own workspace only.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";

import { freePort, isTooWide, press, startBrowser, startGate, startSandbox } from "./world.mjs";

let sandbox, gate, browser;
/** `{id, name, page}` of each workspace. */
const workspaces = [];

before(async () => {
  sandbox = await startSandbox();
  const [first] = await sandbox.control("GET", "workspaces");
  const world = await sandbox.control("GET", "state");
  workspaces.push({ id: first.workspace_id, name: first.name, page: world.roots[0] });
  for (const name of ["Umbra", "Vela"]) {
    const added = await sandbox.control("POST", "workspaces", { name });
    workspaces.push({ id: added.workspace_id, name, page: added.demo.root_page_id });
  }
  const url = `http://127.0.0.1:${await freePort()}`;
  const app = await sandbox.control("POST", "oauth/clients", {
    name: "notegate",
    redirect_uris: [`${url}/auth/notion/callback`],
    capabilities: ["read_content", "update_content", "insert_content", "read_users_with_email"],
  });
  gate = await startGate(["--listen", url.slice("http://".length)], {
    NOTION_BASE_URL: sandbox.url,
    NOTION_OAUTH_CLIENT_ID: app.client_id,
    NOTION_OAUTH_CLIENT_SECRET: app.client_secret,
    NOTION_OAUTH_REDIRECT_URI: `${url}/auth/notion/callback`,
  });
  browser = await startBrowser();
});

/** Opens the gate in a fresh browser profile and gets to the consent page of a workspace. */
async function consent(workspace, viewport) {
  const profile = await browser.createBrowserContext();
  const page = await profile.newPage();
  if (viewport) await page.setViewport(viewport);
  await page.goto(`${gate.url}/auth/notion`);
  assert.ok(page.url().startsWith(`${sandbox.url}/v1/oauth/authorize?`), page.url());
  const asks = await page.$eval("h1", (title) => title.textContent);
  if (!asks.endsWith(workspace.name)) {
    for (const others of await page.$$("details.others")) {
      await others.evaluate((details) => (details.open = true));
    }
    await press(page, "details.others a", workspace.name);
  }
  assert.match(await page.$eval("h1", (title) => title.textContent), new RegExp(workspace.name));
  return page;
}

/** A person lets the gate in; gives the id of the bot. */
async function install(workspace) {
  const page = await consent(workspace);
  await page.click(`input[name="pages"][value="${workspace.page}"]`);
  const seen = [];
  page.on("response", (answer) => seen.push(answer));
  await press(page, "button", "Allow access");
  const back = seen.find((answer) => new URL(answer.url()).pathname === "/auth/notion/callback");
  assert.equal(back.status(), 302);
  const [, bot] = back.headers().location.match(/^\/dashboard\?connected=([0-9a-f-]{36})$/);
  await page.browserContext().close();
  return bot;
}

async function listed() {
  const list = await gate.call(gate.admin_key, "GET", "/workspaces");
  assert.equal(list.status, 200, JSON.stringify(list.body));
  return list.body.items;
}

test("three workspaces are installed, and each key reaches its own only", async () => {
  assert.deepEqual(await listed(), []);
  for (const workspace of workspaces) workspace.bot = await install(workspace);
  const items = await listed();
  assert.equal(items.length, 3);
  for (const { id, name, bot } of workspaces) {
    const item = items.find((item) => item.bot_id === bot);
    assert.deepEqual(
      [item.workspace_id, item.workspace_name, item.state, item.owner.type],
      [id, name, "active", "user"],
    );
  }

  for (const workspace of workspaces) {
    const body = { name: workspace.name, role: "viewer", connection: workspace.bot };
    workspace.key = (await gate.call(gate.admin_key, "POST", "/api/v1/keys", body)).body.key;
  }
  const asked = async () => {
    const counts = [];
    for (const { id } of workspaces) {
      const calls = await sandbox.control("GET", `workspaces/${id}/calls`);
      counts.push(calls.length);
      await sandbox.control("DELETE", `workspaces/${id}/calls`);
    }
    return counts;
  };
  for (const [index, own] of workspaces.entries()) {
    await asked();
    const found = await gate.call(own.key, "GET", `/v1/pages/${own.page}`);
    assert.equal(found.status, 200, JSON.stringify(found.body));
    assert.equal(found.body.properties.title.title[0].plain_text, own.name);
    for (const other of workspaces.filter((other) => other !== own)) {
      const missing = await gate.call(own.key, "GET", `/v1/pages/${other.page}`);
      assert.equal(missing.status, 404, JSON.stringify(missing.body));
    }
    const me = await gate.call(own.key, "GET", "/v1/users/me");
    assert.equal(me.body.id, own.bot);
    const search = await gate.call(own.key, "POST", "/v1/search", {});
    assert.ok(search.body.results.length > 10);
    const counts = await asked();
    assert.ok(counts[index] >= 4, `${counts}`);
    counts.splice(index, 1);
    assert.deepEqual(counts, [0, 0], "another workspace was asked");
  }
});

test("authorising again updates the connection", async () => {
  const again = workspaces[1];
  const before = (await listed()).find((item) => item.bot_id === again.bot);
  assert.equal(await install(again), again.bot);
  const items = await listed();
  assert.equal(items.length, 3);
  const item = items.find((item) => item.bot_id === again.bot);
  assert.ok(item.authorized_at > before.authorized_at);
  assert.equal((await gate.call(again.key, "GET", `/v1/pages/${again.page}`)).status, 200);
});

test("a person who refuses is told so, on a small screen as well", async () => {
  const page = await consent(workspaces[0], { width: 375, height: 700 });
  const answer = await press(page, "button", "Cancel");
  assert.equal(answer.status(), 400);
  assert.equal(await page.$eval("h1", (it) => it.textContent), "Authorization denied: access_denied");
  assert.equal(await isTooWide(page), false);
  assert.equal((await listed()).length, 3);
  // The page leads to a new beginning.
  await press(page, "a", "Begin again");
  assert.ok(page.url().startsWith(`${sandbox.url}/v1/oauth/authorize?`), page.url());
  await page.browserContext().close();
});

test("what was begun in one browser cannot be finished in another", async () => {
  const page = await consent(workspaces[2]);
  const stranger = await (await browser.createBrowserContext()).newPage();
  const state = new URL(page.url()).searchParams.get("state");
  const forged = `${gate.url}/auth/notion/callback?code=guessed&state=${state}`;
  const answer = await stranger.goto(forged);
  assert.equal(answer.status(), 403);
  assert.match(await stranger.$eval("h1", (it) => it.textContent), /possible CSRF/);
  const audit = await gate.call(gate.admin_key, "GET", "/api/v1/audit?result=denied&limit=10");
  assert.equal(audit.body.items[0].operation, "oauth_state_mismatch");
});

test("no token is in a file or in the log", async () => {
  const tokens = [];
  for (const { id } of workspaces) {
    const world = await sandbox.control("GET", `workspaces/${id}/state`);
    for (const connection of Object.values(world.connections)) {
      if (connection.grant) tokens.push(connection.token, connection.grant.refresh_token);
    }
  }
  assert.equal(tokens.length, 6);
  const files = readdirSync(gate.directory, { recursive: true, withFileTypes: true });
  const texts = files
    .filter((file) => file.isFile())
    .map((file) => readFileSync(join(file.parentPath, file.name), "latin1"));
  for (const text of [...texts, gate.log()]) {
    for (const token of tokens) assert.ok(!text.includes(token), "a token lies in clear");
  }
});
