// The page on which a person lets an MCP client in, in a real browser: it says who asks, where the answer
// goes and which workspace it is about; both answers reach the client; keyboard and small screens will do.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import { looksRight, press, startBrowser, startGate } from "./world.mjs";

const VERIFIER = "a verifier of the test, which is long enough for one".replaceAll(/[ ,]/g, "-");
let gate, browser, client, callback;
/** What came to the client. */
const came = [];

before(async () => {
  gate = await startGate(["--sandbox", "--listen", "127.0.0.1:0"]);
  client = createServer((request, answer) => {
    const { pathname, searchParams } = new URL(request.url, callback);
    if (pathname === "/callback") came.push(searchParams);
    answer.setHeader("content-type", "text/html").end("<title>The client</title>You can close this window.");
  }).listen(0, "127.0.0.1");
  await new Promise((done) => client.once("listening", done));
  callback = `http://127.0.0.1:${client.address().port}/callback`;
  browser = await startBrowser();
});

after(() => {
  client?.closeAllConnections();
  client?.close();
});

const post = async (path, body) => {
  const answer = await fetch(gate.url + path, { method: "POST", ...body });
  return answer.json();
};

/** A client of this name registers; gives its id and the address that it would open. */
async function registered(name, redirect = callback) {
  const asked = { client_name: name, redirect_uris: [redirect], token_endpoint_auth_method: "none" };
  const headers = { "content-type": "application/json" };
  const { client_id } = await post("/oauth/register", { headers, body: JSON.stringify(asked) });
  const url = new URL("/oauth/authorize", gate.url);
  const query = {
    response_type: "code",
    client_id,
    redirect_uri: redirect,
    code_challenge: createHash("sha256").update(VERIFIER).digest("base64url"),
    code_challenge_method: "S256",
    state: "a state",
    scope: "notion:read notion:write",
    resource: `${gate.url}/mcp`,
  };
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return { client_id, url: url.href };
}

/** A fresh browser in which somebody opens this and signs in; and what the browser complains of. */
async function opened(url) {
  const profile = await browser.createBrowserContext();
  const page = await profile.newPage();
  const complaints = [];
  page.on("console", (message) => page.url().includes("/oauth/authorize") && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.goto(url);
  assert.match(page.url(), /\/dashboard\/sign-in\?next=/);
  await page.type("#key", gate.admin_key);
  // The page after it leads on by itself.
  await page.keyboard.press("Enter");
  await page.waitForSelector("#redirect");
  return { page, profile, complaints };
}

const text = (page, selector = "main") => page.$eval(selector, (it) => it.textContent);

test("it says who asks, where the answer goes and for which workspace, and looks right", async () => {
  const name = 'Notes <script>alert("hi")</script> & more';
  const { client_id, url } = await registered(name);
  const { page, complaints } = await opened(url);
  assert.equal(await text(page, "h1"), `Let ${name} in?`);
  assert.equal(await text(page, "#redirect"), new URL(callback).host);
  assert.match(await text(page, "#loopback"), /on the computer in front of you/);
  assert.match(await text(page, "#client"), new RegExp(`${client_id}.*registered itself.*nobody checked its name`));
  assert.equal(await text(page, "#connection option"), "Acme");
  for (const dark of ["light", "dark"]) {
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: dark }]);
    await looksRight(page, `consent-${dark}`);
  }
  const answer = await page.reload();
  const policy = answer.headers()["content-security-policy"];
  for (const part of [
    "default-src 'none'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    `form-action 'self' ${new URL(callback).origin};`,
  ]) {
    assert.ok(policy.includes(part), policy);
  }
  assert.equal(answer.headers()["cache-control"], "no-store");
  assert.deepEqual(complaints, []);
});

test("nobody can put it into a frame", async () => {
  const { url } = await registered("A client");
  const { page } = await opened(url);
  const [width, height] = [600, 600];
  await page.goto(callback);
  const framed = await page.evaluate(
    (url, width, height) =>
      new Promise((done) => {
        const frame = Object.assign(document.createElement("iframe"), { src: url, width, height });
        frame.onload = () => done(frame.contentDocument?.body.textContent ?? "");
        document.body.append(frame);
      }),
    url,
    width,
    height,
  );
  assert.doesNotMatch(framed, /wants to use Notion/);
  for (const frame of page.frames()) assert.equal(await frame.$("#redirect"), null);
  came.length = 0;
});

test("with the keyboard alone, a person allows it, and the client gets what was chosen", async () => {
  const { client_id, url } = await registered("A client");
  const { page, profile } = await opened(url);
  const focused = () => page.evaluate(() => document.activeElement?.id || document.activeElement?.value);
  const stops = [];
  for (let presses = 0; presses < 6; presses += 1) {
    await page.keyboard.press("Tab");
    stops.push(await focused());
    if (stops.at(-1) === "within") await page.keyboard.type(gate.sandbox.demo.team_page_id);
    if (stops.at(-1) === "role") await page.keyboard.type("read and");
    if (stops.at(-1) === "allow") break;
  }
  assert.deepEqual(stops, ["connection", "role", "within", "days", "allow"]);
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  assert.equal(await page.title(), "The client");
  const [given] = came.splice(0);
  assert.deepEqual([given.get("state"), given.get("iss")], ["a state", gate.url]);
  const form = {
    grant_type: "authorization_code",
    code: given.get("code"),
    client_id,
    redirect_uri: callback,
    code_verifier: VERIFIER,
    resource: `${gate.url}/mcp`,
  };
  const tokens = await post("/oauth/token", { body: new URLSearchParams(form) });
  assert.equal(tokens.scope, "notion:read notion:write", JSON.stringify(tokens));
  const { body } = await gate.call(gate.admin_key, "GET", "/api/v1/keys");
  const key = body.items.find((key) => JSON.stringify(key).includes(client_id));
  assert.equal(key.role, "editor");
  assert.deepEqual(key.within, [gate.sandbox.demo.team_page_id]);
  // It is among the keys, where it ends with a press of a button.
  await page.goto(`${gate.url}/dashboard/keys`);
  assert.match(await text(page), /A client/);
  await profile.close();
});

test("a person says no, and the client is told; a mistake is told the person first", async () => {
  const { url } = await registered("A client");
  const { page } = await opened(url);
  await page.type("#within", "nonsense");
  await press(page, "button", "Allow");
  assert.match(await text(page, "[role=alert]"), /nonsense/);
  assert.equal(came.length, 0);
  await looksRight(page, "consent-mistake");
  await press(page, "button", "Do not allow");
  assert.equal(await page.title(), "The client");
  const [given] = came.splice(0);
  assert.equal(given.get("error"), "access_denied");
  assert.deepEqual([given.get("state"), given.get("iss"), given.get("code")], ["a state", gate.url, null]);
});

test("an address that nobody registered gets no answer at all", async () => {
  const { url } = await registered("A client");
  const { page } = await opened(url);
  const forged = new URL(url);
  forged.searchParams.set("redirect_uri", `${callback}/elsewhere`);
  const answer = await page.goto(forged.href);
  assert.equal(answer.status(), 400);
  assert.match(await text(page), /Nothing was allowed, and you were not sent on/);
  await looksRight(page, "consent-refused");
  assert.equal(came.length, 0);
});
