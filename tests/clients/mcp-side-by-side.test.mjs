// `notegate mcp --tools official` beside @notionhq/notion-mcp-server: every tool of both with the same
// arguments, each server at a demo workspace that was just reset. What they answer must be the same, but
// for the differences that are listed here, each with its reason.

import assert from "node:assert/strict";
import test from "node:test";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

import { baseUrl, control, pageCalled, tableCalled, token } from "./world.mjs";

const notegate = process.env.NOTEGATE;
if (!notegate) throw new Error("NOTEGATE is not set: it names the program");
const official = new URL("node_modules/@notionhq/notion-mcp-server/bin/cli.mjs", import.meta.url);

const SERVERS = {
  official: { command: process.execPath, args: [official.pathname] },
  notegate: { command: notegate, args: ["mcp", "--tools", "official"] },
};

/** Where the answers differ on purpose: what the official server answers, and what notegate does. */
const DIFFERENCES = {
  // It sends this call without Notion-Version, which Notion refuses (issue 328 there).
  comment: [(its) => its.code === "missing_version", (ours) => ours.object === "comment"],
  "list comments": [(its) => its.results.length === 0, (ours) => ours.results.length === 1],
  // It parses every text that looks like JSON, also where text is meant, and Notion then refuses that.
  "text like JSON": [(its) => its.object === "error", (ours) => ours.object === "list"],
};

const text = (content) => [{ type: "text", text: { content } }];
const nowhere = "00000000-0000-4000-8000-000000000000";

/** What is called, in order: a label, a tool, and its arguments, made from earlier answers. */
const STEPS = [
  ["self", "get-self", () => ({})],
  ["users", "get-users", () => ({ page_size: 2 })],
  ["user", "get-user", ({ users }) => ({ user_id: users.results[0].id })],
  ["search", "post-search", () => ({ query: "Engineering", page_size: 5 })],
  ["search tables", "post-search", () => ({ filter: { property: "object", value: "data_source" } })],
  ["search sorted", "post-search", () => ({ sort: { timestamp: "last_edited_time", direction: "ascending" }, page_size: 3 })],
  ["database", "retrieve-a-database", ({ world }) => ({ database_id: world.database })],
  ["data source", "retrieve-a-data-source", ({ world }) => ({ data_source_id: world.dataSource })],
  ["templates", "list-data-source-templates", ({ world }) => ({ data_source_id: world.dataSource })],
  ["rows", "query-data-source", ({ world }) => ({ data_source_id: world.dataSource, page_size: 3 })],
  ["some columns", "query-data-source", ({ world }) => ({ data_source_id: world.dataSource, page_size: 1, filter_properties: ["title"] })],
  ["next rows", "query-data-source", ({ world, rows }) => ({ data_source_id: world.dataSource, page_size: 3, start_cursor: rows.next_cursor })],
  ["row", "retrieve-a-page", ({ rows }) => ({ page_id: rows.results[0].id })],
  ["one property", "retrieve-a-page", ({ rows }) => ({ page_id: rows.results[0].id, filter_properties: "title" })],
  ["blocks", "get-block-children", ({ world }) => ({ block_id: world.page })],
  ["new page", "post-page", ({ world }) => ({ parent: { page_id: world.page }, properties: { title: text("Side by side") } })],
  ["wrapped page", "post-page", ({ world }) => ({ parent: JSON.stringify({ page_id: world.page }), properties: JSON.stringify({ title: text("Wrapped") }) })],
  ["title", "retrieve-a-page-property", (seen) => ({ page_id: seen["new page"].id, property_id: "title" })],
  ["append", "patch-block-children", (seen) => ({
    block_id: seen["new page"].id,
    children: [
      { type: "paragraph", paragraph: { rich_text: text("one") } },
      { type: "to_do", to_do: { rich_text: text("two"), checked: false } },
    ],
  })],
  ["append after", "patch-block-children", (seen) => ({
    block_id: seen["new page"].id,
    after: seen.append.results[0].id,
    children: [{ paragraph: { rich_text: text("between") } }],
  })],
  ["block", "retrieve-a-block", (seen) => ({ block_id: seen.append.results[0].id })],
  ["update block", "update-a-block", (seen) => ({ block_id: seen.append.results[1].id, to_do: { checked: true } })],
  ["delete block", "delete-a-block", (seen) => ({ block_id: seen.append.results[0].id })],
  ["text like JSON", "patch-block-children", (seen) => ({
    block_id: seen["new page"].id,
    children: [{ paragraph: { rich_text: text('{"a": [1]}') } }],
  })],
  ["children", "get-block-children", (seen) => ({ block_id: seen["wrapped page"].id })],
  ["update page", "patch-page", (seen) => ({ page_id: seen["new page"].id, icon: { emoji: "🧪" } })],
  ["comment", "create-a-comment", (seen) => ({ parent: { page_id: seen["new page"].id }, rich_text: text("noted") })],
  ["list comments", "retrieve-a-comment", (seen) => ({ block_id: seen["new page"].id })],
  ["write markdown", "update-page-markdown", (seen) => ({
    page_id: seen["wrapped page"].id,
    type: "replace_content",
    replace_content: { new_str: "# One\n\n- two\n- three" },
  })],
  ["edit markdown", "update-page-markdown", (seen) => ({
    page_id: seen["wrapped page"].id,
    type: "update_content",
    update_content: { content_updates: [{ old_str: "two", new_str: "2" }] },
  })],
  ["markdown", "retrieve-page-markdown", (seen) => ({ page_id: seen["wrapped page"].id, include_transcript: true })],
  ["new table", "create-a-data-source", ({ world }) => ({
    parent: { database_id: world.database },
    properties: { Name: { title: {} }, Tags: { multi_select: { options: [{ name: "a" }] } } },
    title: text("Second"),
  })],
  ["update table", "update-a-data-source", (seen) => ({ data_source_id: seen["new table"].id, title: text("Third") })],
  ["move", "move-page", (seen) => ({ page_id: seen["new page"].id, parent: { type: "page_id", page_id: seen["wrapped page"].id } })],
  ["trash", "patch-page", (seen) => ({ page_id: seen["wrapped page"].id, in_trash: true })],
  // errors
  ["no page", "retrieve-a-page", () => ({ page_id: nowhere })],
  ["no id", "retrieve-a-block", () => ({ block_id: "no-id" })],
  ["no block", "delete-a-block", () => ({ block_id: nowhere })],
  ["bad filter", "query-data-source", ({ world }) => ({ data_source_id: world.dataSource, filter: { property: "No such", checkbox: { equals: true } } })],
  ["bad page size", "post-search", () => ({ page_size: 1000 })],
  ["no markdown", "update-page-markdown", ({ world }) => ({ page_id: world.page, type: "replace_content" })],
];

async function run({ command, args }) {
  await control("POST", "reset");
  const client = new Client({ name: "notegate-tests", version: "1.0.0" });
  const env = { PATH: process.env.PATH, BASE_URL: baseUrl, NOTION_TOKEN: token };
  await client.connect(new StdioClientTransport({ command, args, env, stderr: "ignore" }));
  try {
    const world = { page: await pageCalled("Engineering"), ...(await tableCalled("Tasks")) };
    const { tools } = await client.listTools();
    const seen = { world };
    const errors = {};
    for (const [label, tool, given] of STEPS) {
      const answer = await client.callTool({ name: `API-${tool}`, arguments: given(seen) });
      seen[label] = JSON.parse(answer.content[0].text);
      errors[label] = answer.isError === true;
    }
    return { tools, seen, errors };
  } finally {
    await client.close();
  }
}

/** An answer without what is new in every run: ids by their order of appearance in it, ids of columns, times. */
function comparable(answer) {
  const ids = new Map();
  const known = (id) => ids.get(id) ?? ids.set(id, `id ${ids.size}`).get(id);
  const plain = (value, name) => {
    if (Array.isArray(value)) return value.map((element) => plain(element));
    if (value !== null && typeof value === "object") {
      const members = Object.entries(value).filter(([name]) => name !== "request_id");
      return Object.fromEntries(members.map(([name, member]) => [name, plain(member, name)]));
    }
    if (typeof value !== "string") return value;
    if (/_time$|^next_cursor$/.test(name ?? "")) return "…";
    if (name === "id" && value.length < 32 && value !== "title") return "…";
    const url = value.replace(/(?<=X-Amz-[^=]+=)[^&]+/g, "…");
    return url.replace(/[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}/g, (id) =>
      known(id.replaceAll("-", "")),
    );
  };
  return plain(answer);
}

test("all tools of both servers answer the same", async (t) => {
  const its = await run(SERVERS.official);
  const ours = await run(SERVERS.notegate);
  const names = ({ tools }) => tools.map((tool) => tool.name);
  assert.deepEqual(names(ours), names(its));
  const called = new Set(STEPS.map(([, tool]) => `API-${tool}`));
  assert.deepEqual([...called].sort(), names(its).sort(), "every tool is called");

  const differs = new Set(Object.keys(DIFFERENCES));
  for (const [label] of STEPS) {
    await t.test(label, () => {
      const is_error = ours.seen[label].object === "error";
      assert.equal(ours.errors[label], is_error, "notegate says what is an error");
      assert.equal(its.errors[label], false, "the official server does not");
      if (differs.has(label)) {
        const [isTheirs, isOurs] = DIFFERENCES[label];
        assert.ok(isTheirs(its.seen[label]), JSON.stringify(its.seen[label]));
        assert.ok(isOurs(ours.seen[label]), JSON.stringify(ours.seen[label]));
      } else {
        assert.deepEqual(comparable(ours.seen[label]), comparable(its.seen[label]));
      }
    });
  }
  const bytes = ({ tools }) => JSON.stringify(tools).length;
  t.diagnostic(`tools/list: official ${bytes(its)} bytes, notegate ${bytes(ours)} bytes`);
});
