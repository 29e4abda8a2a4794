// What a person does in a browser when a client asks to be let in: signs in with a key, reads the page, and
// answers its form. `node consent.mjs URL` does it with ADMIN_KEY and prints where the browser is sent then.

import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";

/** A browser without scripts: cookies, and one request at a time. */
class Browser {
  cookies = new Map();

  async open(url, form) {
    const answer = await fetch(url, {
      method: form ? "POST" : "GET",
      redirect: "manual",
      headers: {
        cookie: [...this.cookies].map((pair) => pair.join("=")).join("; "),
        ...(form ? { origin: new URL(url).origin } : {}),
      },
      body: form && new URLSearchParams(form),
    });
    for (const set of answer.headers.getSetCookie()) {
      const [name, value] = set.split(";")[0].split("=");
      if (value) this.cookies.set(name, value);
      else this.cookies.delete(name);
    }
    const text = await answer.text();
    const hop = answer.headers.get("location") ?? /http-equiv="refresh" content="0;url=([^"]*)"/.exec(text)?.[1];
    return { status: answer.status, text, to: hop && new URL(hop, url).href };
  }
}

/** The value of a hidden field. */
function hidden(page, name) {
  const value = new RegExp(`name="${name}" value="([^"]*)"`).exec(page)?.[1];
  assert.ok(value !== undefined, `the page has no ${name}:\n${page}`);
  return value.replaceAll("&quot;", '"').replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

/** Answers the request at `url` as somebody with this key, and tells where the client gets the answer. */
export async function answer(url, key, { decision = "allow", role = "viewer", within = "" } = {}) {
  const browser = new Browser();
  const signIn = await browser.open(url);
  assert.match(signIn.to ?? signIn.text, /\/dashboard\/sign-in\?next=/);
  await browser.open(signIn.to);
  const next = new URL(signIn.to).searchParams.get("next");
  const signedIn = await browser.open(new URL("/dashboard/sign-in", url), { key, next });
  const back = await browser.open(signedIn.to);
  const page = await browser.open(back.to ?? signedIn.to);
  assert.equal(page.status, 200, page.text);
  assert.match(page.text, /wants to use Notion through this gate/);
  const done = await browser.open(new URL("/oauth/authorize", url), {
    form_token: hidden(page.text, "form_token"),
    request: hidden(page.text, "request"),
    connection: /<option value="([^"]*)"/.exec(page.text)[1],
    role,
    within,
    days: "1",
    decision,
  });
  assert.equal(done.status, 303, done.text);
  return done.to;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(await answer(process.argv[2], process.env.ADMIN_KEY));
}
