// @notionhq/notion-mcp-server: the official MCP server in front of the sandbox.

import assert from "node:assert/strict";
import test from "node:test";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

import { baseUrl, pageCalled, tableCalled, token } from "./world.mjs";

const program = new URL("node_modules/@notionhq/notion-mcp-server/bin/cli.mjs", import.meta.url);
// Given NOTION_TOKEN alone this server sends no Notion-Version with API-create-a-comment, and Notion
// refuses a request without; its users say the version in OPENAPI_MCP_HEADERS.
const headers = { Authorization: `Bearer ${token}`, "Notion-Version": "2025-09-03" };

const client = new Client({ name: "notegate-tests", version: "1.0.0" });

test.before(() =>
  client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [program.pathname],
      env: { PATH: process.env.PATH, BASE_URL: baseUrl, OPENAPI_MCP_HEADERS: JSON.stringify(headers) },
      stderr: "inherit",
    }),
  ),
);
test.after(() => client.close());

async function tool(name, parameters) {
  const { content } = await client.callTool({ name, arguments: parameters });
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
