// People sign in at a real OpenID provider (oidc-provider, which is certified), are let in or not, make a
// key, and sign out here and there. An admin looks after them. Nothing of it needs JavaScript on our pages.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import Provider from "oidc-provider";

import { freePort, looksRight, press, startBrowser, startGate } from "./world.mjs";

let gate, browser, provider, issuer;
/** What the provider knows of its people. */
const accounts = {
  ada: { email: "ada@example.com", email_verified: true, groups: ["design", "root"] },
  bob: { email: "bob@example.com", email_verified: true, groups: [] },
  eve: { email: "ada@example.com", email_verified: true },
  mallory: { email: "bob@example.com", email_verified: false },
};

before(async () => {
  issuer = `http://127.0.0.1:${await freePort()}`;
  const url = `http://127.0.0.1:${await freePort()}`;
  const options = {
    clients: [
      {
        client_id: "notegate",
        client_secret: "a secret of the test",
        redirect_uris: [`${url}/auth/oidc/callback`],
        post_logout_redirect_uris: [`${url}/dashboard/sign-in`],
        response_types: ["code"],
        grant_types: ["authorization_code"],
      },
    ],
    claims: { openid: ["sub"], email: ["email", "email_verified"], groups: ["groups"] },
    findAccount: (_, id) =>
      accounts[id] && { accountId: id, claims: () => ({ sub: id, ...accounts[id] }) },
    pkce: { required: () => true },
    cookies: { keys: ["for the test"] },
  };
  provider = createServer(new Provider(issuer, options).callback());
  await new Promise((done) => provider.listen(Number(issuer.split(":").at(-1)), "127.0.0.1", done));
  gate = await startGate(["--sandbox", "--listen", url.slice("http://".length)], {
    SERVICE_URL: url,
    NOTEGATE_OIDC_ISSUER: issuer,
    NOTEGATE_OIDC_CLIENT_ID: "notegate",
    NOTEGATE_OIDC_CLIENT_SECRET: "a secret of the test",
    NOTEGATE_OIDC_SCOPES: "groups",
    NOTEGATE_OIDC_GROUPS_CLAIM: "groups",
    NOTEGATE_BOOTSTRAP_ADMIN: "ada@example.com",
  });
  browser = await startBrowser();
});

after(() => {
  provider?.closeAllConnections();
  provider?.close();
});

const text = (page, selector = "main") => page.$eval(selector, (it) => it.textContent);
const path = (page) => page.url().slice(gate.url.length);

/** A fresh browser in which somebody signs in at the provider. */
async function signIn(account, next = "/dashboard") {
  const profile = await browser.createBrowserContext();
  const page = await profile.newPage();
  await page.goto(gate.url + next);
  assert.match(path(page), /^\/dashboard\/sign-in/);
  await press(page, "a", "Sign in with 127.0.0.1");
  assert.ok(page.url().startsWith(`${issuer}/interaction/`), page.url());
  await page.type("input[name=login]", account);
  await page.type("input[name=password]", "anything");
  await Promise.all([page.waitForNavigation(), page.click("button[type=submit]")]);
  // The provider asks for consent.
  const [answer] = await Promise.all([page.waitForNavigation(), page.click("button[type=submit]")]);
  return { profile, page, status: answer.status() };
}

test("the first admin comes in, and adds people", async () => {
  await gate.call(gate.admin_key, "POST", "/api/v1/groups", { name: "design" });
  const { page, profile } = await signIn("ada", "/dashboard/people");
  assert.equal(path(page), "/dashboard/people");
  assert.match(await text(page, ".who"), /ada@example\.com/);
  const cookies = (await profile.cookies()).filter((it) => it.name.startsWith("notegate"));
  assert.deepEqual(cookies.map((it) => [it.name, it.httpOnly, it.sameSite]), [["notegate", true, "Lax"]]);
  await page.type("#email", "bob@example.com");
  await page.select("#role", "editor");
  await press(page, "button", "Add");
  assert.match(await text(page, "[role=status]"), /was added/);
  assert.match(await text(page, "ul.rows"), /bob@example\.com.*Not signed in yet.*Editor/s);
  assert.match(await text(page, "ul.rows"), /ada@example\.com\s*design\s*Signed in before/);
  await looksRight(page, "people");
  await press(page, "a", "bob@example.com");
  await looksRight(page, "person");
  await page.click("input[type=checkbox]");
  await press(page, "button", "Save the groups");
  assert.match(await text(page, "[role=status]"), /saved/);
  await press(page, "a", "Delete the person");
  await looksRight(page, "person-delete");
  await press(page, "a", "Cancel");
  await page.goto(`${gate.url}/dashboard/keys`);
  await looksRight(page, "keys-admin");
});

test("whoever is no user, or not the one, does not come in", async () => {
  for (const [account, words] of [["mallory", /not verified/], ["eve", /another account/]]) {
    const { page, profile, status } = await signIn(account);
    assert.equal(status, 403);
    assert.match(await text(page, "[role=alert]"), words);
    assert.deepEqual((await profile.cookies()).filter((it) => it.name === "notegate"), []);
    if (account === "eve") await looksRight(page, "refused");
    await profile.close();
  }
});

test("a person has keys of one's own, and signs out everywhere", async () => {
  const { page } = await signIn("bob", "/dashboard/keys");
  assert.equal(path(page), "/dashboard/keys");
  const links = await page.$$eval("nav a", (all) => all.map((it) => it.textContent));
  assert.deepEqual(links, ["Keys"]);
  await looksRight(page, "keys-none");
  await page.type("#name", "my script");
  await page.select("#role", "editor");
  await press(page, "button", "Make the key");
  const key = await text(page, ".copy");
  assert.match(key, /^ngk_/);
  await looksRight(page, "keys-made");
  assert.equal((await gate.call(key, "GET", "/v1/users/me")).status, 200);
  assert.equal((await gate.call(key, "GET", "/api/v1/users")).status, 403);
  await page.goto(`${gate.url}/dashboard/people`);
  assert.match(await text(page), /You may not do that/);
  await page.goto(`${gate.url}/dashboard/keys`);
  await page.click(".rows button.danger");
  await page.waitForSelector("[role=status]");
  assert.equal((await gate.call(key, "GET", "/v1/users/me")).status, 401);

  // A page of ours leads on to the provider, which asks, and leads back.
  await Promise.all([
    page.waitForRequest((it) => it.url().startsWith(`${issuer}/session/end`)),
    page.$eval(".who form", (form) => form.submit()),
  ]);
  await page.waitForSelector("button[name=logout]");
  await Promise.all([page.waitForNavigation(), page.click("button[name=logout]")]);
  assert.equal(path(page), "/dashboard/sign-in");
  await looksRight(page, "sign-in");
  await page.goto(`${gate.url}/dashboard/keys`);
  assert.match(path(page), /^\/dashboard\/sign-in/);
  // The provider has forgotten the person, too.
  await page.goto(`${gate.url}/auth/oidc`);
  assert.ok(await page.$("input[name=login]"), "the next one at this machine is in again");
});
