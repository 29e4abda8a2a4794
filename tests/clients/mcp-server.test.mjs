// @notionhq/notion-mcp-server: the official MCP server in front of the sandbox.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import test from "node:test";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

import { baseUrl, pageCalled, tableCalled, token } from "./world.mjs";

const program = new URL("node_modules/@notionhq/notion-mcp-server/bin/cli.mjs", import.meta.url);
// Given NOTION_TOKEN alone this server sends no Notion-Version with API-create-a-comment, and Notion
// refuses a request without; its users say the version in OPENAPI_MCP_HEADERS.
const headers = { Authorization: `Bearer ${token}`, "Notion-Version": "2025-09-03" };

const environment = {
  PATH: process.env.PATH,
  BASE_URL: baseUrl,
  OPENAPI_MCP_HEADERS: JSON.stringify(headers),
};

const client = new Client({ name: "notegate-tests", version: "1.0.0" });

test.before(() =>
  client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [program.pathname],
      env: environment,
      stderr: "inherit",
    }),
  ),
);
test.after(() => client.close());

async function tool(name, parameters, through = client) {
  const { content } = await through.callTool({ name, arguments: parameters });
  return JSON.parse(content[0].text);
}

test("offers its tools and reads", async () => {
  const { tools } = await client.listTools();
  assert.ok(tools.length >= 20, `${tools.length} tools`);
  assert.equal((await tool("API-get-self", {})).type, "bot");
  const parent = await pageCalled("Engineering");
  assert.equal((await tool("API-retrieve-a-page", { page_id: parent })).id, parent);
  const children = await tool("API-get-block-children", { block_id: parent, page_size: 2 });
  assert.equal(children.results.length, 2);
  const found = await tool("API-post-search", { query: "Handbook" });
  assert.ok(found.results.length >= 1);
});

test("queries a data source and writes", async () => {
  const { dataSource } = await tableCalled("Tasks");
  const rows = await tool("API-query-data-source", { data_source_id: dataSource, page_size: 3 });
  assert.equal(rows.results.length, 3);
  const parent = await pageCalled("Engineering");
  const page = await tool("API-post-page", {
    parent: { page_id: parent },
    properties: { title: [{ text: { content: "From an agent" } }] },
  });
  assert.equal(page.object, "page");
  const added = await tool("API-patch-block-children", {
    block_id: page.id,
    children: [{ paragraph: { rich_text: [{ text: { content: "written" } }] } }],
  });
  assert.equal(added.results.length, 1);
  const comment = await tool("API-create-a-comment", {
    parent: { page_id: page.id },
    rich_text: [{ text: { content: "noted" } }],
  });
  assert.equal(comment.object, "comment", JSON.stringify(comment));
});

test("passes errors on", async () => {
  const answer = await tool("API-retrieve-a-page", {
    page_id: "00000000-0000-4000-8000-000000000000",
  });
  assert.equal(answer.code, "object_not_found");
});

/** The same server, over HTTP. */
async function overHttp(t) {
  const port = await new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
  const parameters = ["--transport", "http", "--port", String(port), "--auth-token", "secret"];
  const server = spawn(process.execPath, [program.pathname, ...parameters], { env: environment, stdio: "ignore" });
  t.after(() => server.kill());
  for (let tries = 0; ; tries += 1) {
    const connecting = new Client({ name: "notegate-tests", version: "1.0.0" });
    try {
      const requestInit = { headers: { authorization: "Bearer secret" } };
      const url = new URL(`http://127.0.0.1:${port}/mcp`);
      await connecting.connect(new StreamableHTTPClientTransport(url, { requestInit }));
      t.after(() => connecting.close());
      return connecting;
    } catch (error) {
      if (tries === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

test("all its other tools, over HTTP", async (t) => {
  const http = await overHttp(t);
  const call = async (name, parameters) => {
    const answer = await tool(`API-${name}`, parameters, http);
    assert.ok(!("code" in answer || answer.status === "error"), `${name}: ${JSON.stringify(answer)}`);
    return answer;
  };
  const parent = { page_id: await pageCalled("Engineering") };
  const text = (content) => [{ text: { content } }];
  const [user] = (await call("get-users", { page_size: 1 })).results;
  assert.equal((await call("get-user", { user_id: user.id })).id, user.id);
  const page = await call("post-page", { parent, properties: { title: text("Over HTTP") } });
  const { results } = await call("patch-block-children", {
    block_id: page.id,
    children: [{ paragraph: { rich_text: text("one") } }],
  });
  const block_id = results[0].id;
  assert.equal((await call("retrieve-a-block", { block_id })).type, "paragraph");
  const changed = await call("update-a-block", { block_id, paragraph: { rich_text: text("two") } });
  assert.equal(changed.paragraph.rich_text[0].plain_text, "two");
  assert.equal((await call("delete-a-block", { block_id })).in_trash, true);
  const title = await call("retrieve-a-page-property", { page_id: page.id, property_id: "title" });
  assert.equal(title.results[0].title.plain_text, "Over HTTP");
  await call("patch-page", { page_id: page.id, icon: { emoji: "🧪" } });
  await call("retrieve-a-comment", { block_id: page.id });
  await call("update-page-markdown", {
    page_id: page.id,
    type: "replace_content",
    replace_content: { new_str: "- [ ] ship" },
  });
  assert.equal((await call("retrieve-page-markdown", { page_id: page.id })).markdown, "- [ ] ship");
  const { dataSource, database } = await tableCalled("Tasks");
  assert.equal((await call("retrieve-a-database", { database_id: database })).id, database);
  assert.equal((await call("retrieve-a-data-source", { data_source_id: dataSource })).id, dataSource);
  await call("list-data-source-templates", { data_source_id: dataSource });
  const created = await call("create-a-data-source", {
    parent: { type: "database_id", database_id: database },
    properties: { Name: { title: {} } },
    title: text("Second"),
  });
  const renamed = await call("update-a-data-source", { data_source_id: created.id, title: text("Third") });
  assert.equal(renamed.title[0].plain_text, "Third");
  const moved = await call("move-page", {
    page_id: page.id,
    parent: { page_id: await pageCalled("Handbook") },
  });
  assert.notEqual(moved.parent.page_id, parent.page_id);
});
