// The dashboard, as somebody walks through it: signs in, connects a workspace, looks at what it reaches
// and at what happened, disconnects it. The walk needs no JavaScript, every page fits a small screen, and
// axe-core finds nothing to complain about, in light and in dark.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { before, test } from "node:test";

import { isTooWide, press, startBrowser, startGate } from "./world.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const WIDE = { width: 1280, height: 800 };
const SMALL = { width: 375, height: 700 };

let gate, browser, profile, page;
/** Every page that the walk came by: path → true if it only shows itself once. */
const seen = new Set();

before(async () => {
  gate = await startGate(["--sandbox", "--listen", "127.0.0.1:0"]);
  browser = await startBrowser();
  profile = await browser.createBrowserContext();
  page = await profile.newPage();
  await page.setJavaScriptEnabled(false);
  await page.setViewport(WIDE);
});

const control = async (route, body) => {
  const url = `${gate.sandbox.control_url}/${route}`;
  const answer = await fetch(url, { method: "POST", body: JSON.stringify(body) });
  assert.ok(answer.ok, `${route}: ${answer.status}`);
  return answer.json();
};

const text = (selector = "main") => page.$eval(selector, (it) => it.textContent);
const path = () => page.url().slice(gate.url.length);

/** The page as it is fits both screens; it is looked at more closely afterwards. */
async function looksRight() {
  for (const viewport of [SMALL, WIDE]) {
    await page.setViewport(viewport);
    assert.equal(await isTooWide(page), false, `${page.url()} at ${viewport.width}`);
  }
  assert.equal((await page.$$("h1")).length, 1, `${page.url()} has one heading`);
  assert.equal((await page.$$("script")).length, 0, `${page.url()} has no scripts`);
  seen.add(path());
}

async function signIn(key) {
  await page.goto(`${gate.url}/dashboard`);
  assert.equal(path(), "/dashboard/sign-in");
  await page.type("#key", key);
  await press(page, "button", "Sign in");
}

/** Waits for what a page shows that renews itself. */
async function renewed(shows) {
  for (const deadline = Date.now() + 60_000; ; ) {
    // Between two pages there is none to look at.
    if (await shows().catch(() => false)) return;
    if (Date.now() > deadline) assert.fail(await text());
    await new Promise((done) => setTimeout(done, 100));
  }
}

/** Follows a link or sends a form by the text on it. */
const follow = (label) => press(page, "a", label);
const send = (label) => press(page, "button", label);

test("a wrong key is refused, an admin's signs in", async () => {
  await page.goto(`${gate.url}/dashboard/sign-in`);
  await looksRight();
  assert.deepEqual(await profile.cookies(), []);
  await signIn(gate.keys.viewer);
  assert.match(await text("[role=alert]"), /does not open the dashboard/);
  await looksRight();
  await signIn(gate.admin_key);
  assert.equal(path(), "/dashboard");
  const [cookie, ...others] = await profile.cookies();
  assert.deepEqual(others, []);
  assert.deepEqual([cookie.httpOnly, cookie.sameSite, cookie.session], [true, "Lax", true]);
  await looksRight();
});

test("the keyboard comes to the content first", async () => {
  await page.goto(`${gate.url}/dashboard`);
  await page.keyboard.press("Tab");
  const focused = () => page.evaluate(() => document.activeElement.textContent);
  assert.equal(await focused(), "Skip to the content");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
});

test("a workspace is connected with a token; a wrong one is told", async () => {
  const made = await control("tokens", {
    name: "Reports",
    capabilities: ["read_content"],
    shared: [gate.sandbox.demo.team_page_id],
  });
  await follow("Connect a workspace");
  await looksRight();
  await page.type("#token", "ntn_wrong");
  await send("Connect");
  assert.ok((await text("[role=alert]")).length > 20);
  assert.equal(await page.$eval("#token", (it) => it.value), "");
  await looksRight();
  await page.type("#token", made.token);
  await send("Connect");
  assert.match(await text("[role=status]"), /is connected/);
  assert.equal((await page.$$("ul.cards > li")).length, 2);
  await looksRight();
  await page.goto(`${gate.url}/dashboard/workspaces/${made.bot_id}`);
  assert.match(await text(), /Reports/);
  await looksRight();
  await follow("Rotate");
  await looksRight();
  await page.type("#token", gate.sandbox.tokens.reader);
  await send("Rotate");
  assert.ok((await text("[role=alert]")).length > 20);
  await follow("Cancel");
});

test("what it reaches is looked up and opens as a tree", async () => {
  await follow("What it reaches");
  assert.match(await text(), /No report was made yet/);
  await looksRight();
  await send("Make the first report");
  await renewed(() => page.$(".tree"));
  await looksRight();
  const closed = await page.$(".tree details:not([open]) > summary");
  await closed.click();
  assert.equal(await closed.evaluate((it) => it.parentElement.open), true);
  await looksRight();
});

test("a webhook is paired step by step, and its events arrive", async () => {
  await follow("Webhooks");
  await looksRight();
  await send("Set up a webhook");
  assert.match(await text("h2"), /Waiting for Notion/);
  await looksRight();
  const { verification_token } = await control("webhooks", { url: await text(".copy") });
  await renewed(async () => (await text(".copy")) === verification_token);
  await looksRight();
  const demo = gate.sandbox.demo;
  const body = { icon: { emoji: "🔔" } };
  await control("as-human", { method: "PATCH", path: `/v1/pages/${demo.team_page_id}`, body });
  // The event is there a moment before its subscription is known to work.
  const came = async () => (await page.$("ol.log li")) && /Verified/.test(await text(".rows"));
  for (let looks = 0; !(await came()); looks += 1) {
    assert.ok(looks < 100, await text());
    await new Promise((done) => setTimeout(done, 100));
    await page.goto(`${gate.url}/dashboard/webhooks`);
  }
  assert.match(await text("ol.log"), new RegExp(`page\\.\\w+.*${demo.team_page_id}`));
  await looksRight();
  await page.click(".rows a.danger");
  await page.waitForSelector(".sheet");
  await looksRight();
  await follow("Cancel");
});

test("policies are checked where they are written", async () => {
  await follow("Policies");
  await looksRight();
  await page.type("#text", "forbid (principal, action, resource);");
  await send("Only check");
  assert.match(await text("[role=alert]"), /line 1, column 1: the policy has no name/);
  await looksRight();
});

test("refusals are told, and the ledger is intact", async () => {
  const answer = await gate.call(gate.keys.viewer, "PATCH", `/v1/pages/${gate.sandbox.demo.team_page_id}`, {});
  assert.equal(answer.status, 403);
  await follow("Activity");
  await looksRight();
  await follow("Refused");
  assert.match(await text("ol.log li.bad"), /demo viewer · the key's role does not include it/);
  await looksRight();
  await send("Verify the ledger");
  assert.match(await text("[role=status]"), /The ledger is intact/);
});

test("axe-core finds nothing on any page", async () => {
  const lit = await profile.newPage();
  for (const scheme of ["light", "dark"]) {
    await lit.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    for (const viewport of [WIDE, SMALL]) {
      await lit.setViewport(viewport);
      for (const at of seen) {
        await lit.goto(gate.url + at);
        await lit.evaluate(AXE);
        const found = await lit.evaluate(() => globalThis.axe.run());
        const told = found.violations.map((it) => `${it.id}: ${it.nodes.map((node) => node.html).join(" ")}`);
        assert.deepEqual(told, [], `${at} at ${viewport.width} in ${scheme}`);
      }
    }
  }
});

test("disconnecting asks first, and ends the keys at once", async () => {
  await page.bringToFront();
  await page.goto(`${gate.url}/dashboard`);
  await page.click("ul.cards > li:last-child h2 a");
  const keys = async () => (await gate.call(gate.keys.viewer, "GET", "/v1/users/me")).status;
  await page.waitForSelector(".foot");
  await follow("Disconnect");
  await looksRight();
  await follow("Cancel");
  assert.equal(await keys(), 200);
  await follow("Disconnect");
  await send("Disconnect");
  assert.match(await text("[role=status]"), /disconnected/);
  await looksRight();
  assert.equal(await keys(), 409);
  await page.goto(`${gate.url}/dashboard`);
  assert.match(await text("ul.cards"), /Disconnected/);
});

test("after signing out the pages are closed", async () => {
  await send("Sign out");
  assert.equal(path(), "/dashboard/sign-in");
  for (const at of seen) {
    await page.goto(gate.url + at);
    assert.match(path(), /^\/dashboard\/sign-in/, at);
  }
});
