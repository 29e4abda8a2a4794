// ntn, Notion's own command line: reads /openapi.json to know the API, and calls it.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { promisify } from "node:util";

import { baseUrl, pageCalled, token } from "./world.mjs";

const run = promisify(execFile);
const packages = new URL("node_modules/ntn/", import.meta.url).pathname;
const program = join(packages, "bin/ntn");
const home = mkdtempSync(join(tmpdir(), "ntn-"));
test.after(() => rmSync(home, { recursive: true }));

// Where npm was told not to run install scripts, the program still has to be put in its place.
test.before(async () => {
  if (!existsSync(program)) await run(process.execPath, ["install.cjs", "install"], { cwd: packages });
});

async function ntn(parameters, input) {
  const running = run(program, parameters, {
    timeout: 30_000,
    env: {
      PATH: process.env.PATH,
      NOTION_API_BASE_URL: baseUrl,
      NOTION_API_DOCS_BASE_URL: baseUrl,
      NOTION_API_TOKEN: token,
      NOTION_KEYRING: "0",
      NOTION_HOME: home,
    },
  });
  // It does not always read what it is given.
  running.child.stdin.on("error", () => {});
  running.child.stdin.end(input ?? "");
  return (await running).stdout;
}

test("lists the endpoints and their documentation", async () => {
  const list = await ntn(["api", "ls"]);
  assert.match(list, /PATCH +\/v1\/blocks\/\{block_id\}\/children/);
  assert.match(await ntn(["api", "v1/pages", "--docs", "-X", "POST"]), /# Create a page/);
  const spec = JSON.parse(await ntn(["api", "v1/pages/{page_id}", "--spec", "-X", "GET"]));
  assert.equal(spec.paths["/v1/pages/{page_id}"].get.operationId, "retrieve-a-page");
});

test("reads, searches and writes", async () => {
  const me = JSON.parse(await ntn(["api", "v1/users/me"]));
  assert.equal(me.type, "bot");
  const parent = await pageCalled("Engineering");
  const page = JSON.parse(
    await ntn([
      "api",
      "v1/pages",
      `parent[page_id]=${parent}`,
      "properties[title][title][][text][content]=From ntn",
    ]),
  );
  assert.equal(page.parent.page_id, parent);
  const body = { children: [{ paragraph: { rich_text: [{ text: { content: "piped in" } }] } }] };
  await ntn(["api", `v1/blocks/${page.id}/children`, "-X", "PATCH"], JSON.stringify(body));
  const list = JSON.parse(await ntn(["api", `v1/blocks/${page.id}/children`, "page_size==1"]));
  assert.equal(list.results[0].paragraph.rich_text[0].plain_text, "piped in");
  const trashed = JSON.parse(
    await ntn(["api", `v1/pages/${page.id}`, "-X", "PATCH", "in_trash:=true"]),
  );
  assert.equal(trashed.in_trash, true);
});

test("uploads files, and lists them", async () => {
  const file = ["--filename", "note.txt", "--content-type", "text/plain"];
  await ntn(["files", "create", ...file], "hello");
  const [upload] = (await ntn(["files", "list", "--plain"])).split("\n");
  const [id, ...rest] = upload.split("\t");
  assert.deepEqual(rest.slice(0, 4), ["note.txt", "uploaded", "text/plain", "5"]);
  assert.match(await ntn(["files", "get", id]), /Content length +5\n/);
});

test("says what is wrong", async () => {
  await assert.rejects(ntn(["api", "v1/pages/00000000-0000-4000-8000-000000000000"]), (error) => {
    assert.match(error.stderr, /404 Not Found object_not_found/);
    return true;
  });
});
