// The inspector's command line, as people try a server by hand.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";

import { directory, startGate } from "../gate.mjs";

const gate = await startGate(["--sandbox", "--listen", "127.0.0.1:0"]);
const { demo } = gate.sandbox;
const program = new URL("node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js", import.meta.url);
const home = directory();

/** What it answers: its exit code, and what it wrote. */
function inspect(target, method, ...more) {
  const args = [program.pathname, "--cli", ...target, "--method", method, "--format", "json", ...more];
  const env = { PATH: process.env.PATH, HOME: home };
  return new Promise((done) =>
    execFile(process.execPath, args, { env }, (error, stdout, stderr) => {
      const { result } = stdout ? JSON.parse(stdout) : {};
      done({ code: error?.code ?? 0, result, stderr });
    }),
  );
}

const url = [`${gate.url}/mcp/all`, "--transport", "http"];
const bearer = (key) => ["--header", `Authorization: Bearer ${key}`];
const stdio = [process.env.NOTEGATE, "mcp", "--tools", "all"];
const environment = ["-e", `NOTEGATE_URL=${gate.url}`, "-e", `NOTEGATE_KEY=${gate.admin_key}`];
const pageTool = (id) => ["--tool-name", "API-retrieve-a-page", "--tool-args-json", JSON.stringify({ page_id: id })];

for (const era of ["legacy", "modern"]) {
  for (const [name, target, more] of [
    ["HTTP", url, bearer(gate.admin_key)],
    ["stdio", stdio, environment],
  ]) {
    test(`${era}, ${name}`, async () => {
      const ask = (method, ...given) => inspect(target, method, "--protocol-era", era, ...more, ...given);
      const listed = await ask("tools/list", "--strict");
      assert.equal(listed.code, 0, listed.stderr);
      const names = listed.result.tools.map((tool) => tool.name);
      assert.ok(names.includes("search") && names.includes("API-post-search"), String(names));
      const called = await ask("tools/call", ...pageTool(demo.team_page_id));
      assert.equal(called.code, 0, called.stderr);
      assert.equal(JSON.parse(called.result.content[0].text).id, demo.team_page_id);
    });
  }
}

test("reads a page, and tells an error from a result", async () => {
  const ask = (method, ...given) => inspect(url, method, ...bearer(gate.admin_key), ...given);
  const read = await ask("resources/read", "--uri", `notion://page/${demo.team_page_id}`);
  assert.match(read.result.contents[0].text, /Engineering/);
  const missing = await ask("tools/call", ...pageTool("00000000-0000-4000-8000-000000000000"));
  assert.match(missing.stderr, /"tool_is_error"/);
  assert.equal(missing.result.isError, true);
  assert.equal(missing.code, 5);
});

test("is told to sign in without a key, and that a wrong one is wrong", async () => {
  const none = await inspect(url, "tools/list", "--stored-auth-only");
  assert.match(none.stderr, /auth_required/);
  assert.equal(none.code, 3);
  const wrong = await inspect(url, "tools/list", ...bearer("ngk_wrong"), "--stored-auth-only");
  assert.match(wrong.stderr, /auth_required.*the key is unknown/);
});
