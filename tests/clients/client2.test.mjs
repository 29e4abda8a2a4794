// @notionhq/client 2.2.x: the SDK before data sources, Notion-Version 2022-06-28.

import assert from "node:assert/strict";
import test from "node:test";

import { Client, collectPaginatedAPI, isFullDatabase, isFullPage } from "notion-client-2";

import { baseUrl, control, pageCalled, tableCalled, token } from "./world.mjs";

const client = new Client({ auth: token, baseUrl });
const text = (content) => [{ text: { content } }];

test("pages and blocks", async () => {
  const page = await client.pages.create({
    parent: { page_id: await pageCalled("Engineering") },
    properties: { title: { title: text("From the old SDK") } },
    children: [{ heading_1: { rich_text: text("Start") } }],
  });
  assert.ok(isFullPage(page));
  assert.equal(page.archived, false);
  const { results } = await client.blocks.children.append({
    block_id: page.id,
    children: [{ paragraph: { rich_text: text("more") } }],
  });
  const { results: inserted } = await client.blocks.children.append({
    block_id: page.id,
    children: [{ divider: {} }],
    after: results[0].id,
  });
  assert.equal(inserted[0].type, "divider");
  const gone = await client.pages.update({ page_id: page.id, archived: true });
  assert.equal(gone.archived, true);
  await assert.rejects(
    client.blocks.children.append({ block_id: page.id, children: [{ divider: {} }] }),
    { code: "validation_error" },
  );
});

test("databases with their properties and rows", async () => {
  const database = await client.databases.create({
    parent: { page_id: await pageCalled("Engineering") },
    title: text("Old style"),
    properties: { Name: { title: {} }, Done: { checkbox: {} }, When: { date: {} } },
  });
  assert.ok(isFullDatabase(database));
  assert.deepEqual(Object.keys(database.properties).sort(), ["Done", "Name", "When"]);
  for (const [name, done] of [["a", true], ["b", false], ["c", true]]) {
    await client.pages.create({
      parent: { database_id: database.id },
      properties: { Name: { title: text(name) }, Done: { checkbox: done } },
    });
  }
  const rows = await collectPaginatedAPI(client.databases.query, {
    database_id: database.id,
    page_size: 1,
    filter: { property: "Done", checkbox: { equals: true } },
    sorts: [{ property: "Name", direction: "descending" }],
  });
  assert.deepEqual(rows.map((row) => row.properties.Name.title[0].plain_text), ["c", "a"]);
  assert.equal(rows[0].parent.database_id, database.id);
  const found = await client.search({ filter: { property: "object", value: "database" } });
  assert.ok(found.results.every((object) => object.object === "database"));
});

test("a database with several data sources is none of the old version's", async () => {
  const { database } = await tableCalled("Tasks");
  await control("POST", "as-human", {
    method: "POST",
    path: "/v1/data_sources",
    body: { parent: { database_id: database }, properties: { Name: { title: {} } } },
  });
  await assert.rejects(client.databases.query({ database_id: database }), (error) => {
    assert.equal(error.code, "validation_error");
    assert.match(error.message, /Databases with multiple data sources are not supported/);
    return true;
  });
});
