// The TypeScript SDKs and mcp-remote with a key: each lists, reads, calls, gets errors as errors, cancels,
// and is refused in words that its user understands.

import assert from "node:assert/strict";
import { before, test } from "node:test";

import { startGate } from "../gate.mjs";
import { links } from "./links.mjs";

const gate = await startGate(["--sandbox", "--listen", "127.0.0.1:0"]);
const { demo } = gate.sandbox;
const missing = "00000000-0000-4000-8000-000000000000";

const textOf = (result) => result.content[0].text;

/** The newest entry of the ledger for an operation. */
async function newest(operation) {
  const { body } = await gate.call(gate.admin_key, "GET", "/api/v1/audit?limit=20");
  return body.items.find((entry) => entry.operation === operation);
}

async function until(what, holds) {
  for (const deadline = Date.now() + 10_000; !(await holds()); ) {
    assert.ok(Date.now() < deadline, what);
    await new Promise((done) => setTimeout(done, 30));
  }
}

for (const link of links(gate)) {
  test(link.name, async (t) => {
    const client = await link.open(gate.admin_key);
    t.after(() => client.close());

    await t.test("lists the tools of both sets", async () => {
      const { tools } = await client.listTools();
      const names = tools.map((tool) => tool.name);
      for (const name of ["search", "fetch", "API-post-search", "API-retrieve-a-page"]) {
        assert.ok(names.includes(name), `${name} is not among ${names}`);
      }
      assert.equal(tools.find((tool) => tool.name === "search").annotations.readOnlyHint, true);
    });

    await t.test("reads resources", async () => {
      const { resources } = await client.listResources();
      assert.ok(resources.some((resource) => resource.uri === "notion://docs/values"));
      const { resourceTemplates } = await client.listResourceTemplates();
      assert.ok(resourceTemplates.some((it) => it.uriTemplate.startsWith("notion://page/")));
      const { contents } = await client.readResource({ uri: `notion://page/${demo.team_page_id}` });
      assert.match(contents[0].text, /Engineering/);
      await assert.rejects(client.readResource({ uri: `notion://page/${missing}` }));
    });

    await t.test("calls a tool of each set", async () => {
      const found = textOf(await client.use("search", { query: "Engineering" }));
      assert.match(found, /Engineering/);
      const page = await client.use("API-retrieve-a-page", { page_id: demo.team_page_id });
      assert.equal(JSON.parse(textOf(page)).id, demo.team_page_id);
      assert.ok(!page.isError);
    });

    await t.test("gets errors as errors", async () => {
      const official = await client.use("API-retrieve-a-page", { page_id: missing });
      assert.equal(official.isError, true);
      assert.equal(JSON.parse(textOf(official)).code, "object_not_found");
      const agents = await client.use("fetch", { ids: [missing] });
      assert.equal(agents.isError, true, textOf(agents));
      const wrong = await client.use("fetch", { nonsense: 1 });
      assert.equal(wrong.isError, true, textOf(wrong));
      await assert.rejects(client.use("no_such_tool"), /no_such_tool/);
    });

    await t.test("cancels a call, and goes on", async () => {
      const before = (await newest("get-self"))?.seq;
      const slow = { match: { operation: "get-self" }, latency_ms: link.frees ? 30_000 : 1_000, times: 1 };
      await gate.control("DELETE", "faults");
      await gate.control("POST", "faults", slow);
      const stop = new AbortController();
      const call = client.use("API-get-self", {}, { signal: stop.signal });
      const rejected = assert.rejects(call, /never mind|abort/i);
      await until("Notion is not asked", async () => /"hits":1/.test(JSON.stringify(await gate.control("GET", "faults"))));
      stop.abort(new Error("never mind"));
      await rejected;
      const page = await client.use("API-retrieve-a-page", { page_id: demo.team_page_id });
      assert.ok(!page.isError, textOf(page));
      // It is over long before Notion would have answered, or, where nobody can end it, when Notion has.
      await until("the call goes on", async () => (await newest("get-self"))?.seq !== before);
    });

    await t.test("is shown what its key may use", async (t) => {
      const narrow = await link.open(gate.keys.viewer);
      t.after(() => narrow.close());
      const { tools } = await narrow.listTools();
      for (const tool of tools) assert.equal(tool.annotations.readOnlyHint, true, tool.name);
      const outside = await narrow.use("API-retrieve-a-page", { page_id: demo.other_page_id });
      assert.equal(outside.isError, true);
      assert.equal(JSON.parse(textOf(outside)).code, "object_not_found");
      const wrote = await narrow
        .use("API-post-page", { parent: { page_id: demo.team_page_id }, properties: {} })
        .catch((error) => ({ isError: true, content: [{ text: error.message }] }));
      assert.equal(wrote.isError, true);
      assert.match(textOf(wrote), /viewer|role|write/i);
    });

    await t.test("is told what is wrong without a key", async () => {
      // mcp-remote signs in then: `sign-in.test.mjs`.
      if (link.signsIn) return;
      for (const [key, words] of [[undefined, /no key|set NOTEGATE_KEY/], ["ngk_wrong", /the key is unknown/]]) {
        const refused = await link.open(key).then(
          (client) => client.close().then(() => assert.fail(`let in with ${key}`)),
          (error) => error,
        );
        // The newest client says of its first question only whether it was refused, and by what status.
        assert.match(refused.said, link.probes ? /HTTP 401|did not offer|closed|the key is unknown/ : words);
      }
    });
  });
}
