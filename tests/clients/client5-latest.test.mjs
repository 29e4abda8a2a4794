// @notionhq/client 5.x with Notion-Version 2026-03-11, and its helpers.

import assert from "node:assert/strict";
import test from "node:test";

import {
  Client,
  collectAllDataSourceRows,
  collectDataSourceTemplates,
  extractNotionId,
  isFullBlock,
  isFullComment,
  isFullDatabase,
  isFullDataSource,
  isFullPage,
  isFullPageOrDataSource,
  isFullUser,
  isFullView,
} from "notion-client-5";

import { baseUrl, pageCalled, tableCalled, token } from "./world.mjs";

const client = new Client({ auth: token, baseUrl, notionVersion: "2026-03-11" });
const text = (content) => [{ text: { content } }];

test("everything that is read is whole", async () => {
  const { dataSource, database } = await tableCalled("Tasks");
  assert.ok(isFullDataSource(await client.dataSources.retrieve({ data_source_id: dataSource })));
  assert.ok(isFullDatabase(await client.databases.retrieve({ database_id: database })));
  assert.ok(isFullUser(await client.users.me({})));
  const { results } = await client.search({ page_size: 100 });
  assert.ok(results.every(isFullPageOrDataSource));
  const [view] = (await client.views.list({ database_id: database })).results;
  assert.ok(isFullView(await client.views.retrieve({ view_id: view.id })));
  const page_id = await pageCalled("Engineering");
  const comment = await client.comments.create({ parent: { page_id }, rich_text: text("noted") });
  assert.ok(isFullComment(await client.comments.retrieve({ comment_id: comment.id })));
});

test("all rows, templates and ids of URLs", async () => {
  const { dataSource: data_source_id } = await tableCalled("Tasks");
  const rows = await collectAllDataSourceRows(client, { data_source_id, page_size: 7 });
  assert.ok(rows.length > 7 && rows.every(isFullPage));
  assert.equal(new Set(rows.map((row) => row.id)).size, rows.length);
  assert.equal(extractNotionId(rows[0].url), rows[0].id);
  const templates = await collectDataSourceTemplates(client, { data_source_id });
  assert.ok(Array.isArray(templates));
});

test("blocks at a position, in trash, and not as they were called before", async () => {
  const page = await client.pages.create({
    parent: { page_id: await pageCalled("Engineering") },
    properties: { title: { title: text("Latest") } },
    children: [{ paragraph: { rich_text: text("middle") } }],
  });
  assert.ok(isFullPage(page) && !("archived" in page));
  const { id: block_id } = page;
  await client.blocks.children.append({
    block_id,
    position: { type: "start" },
    children: [{ paragraph: { rich_text: text("first") } }],
  });
  const mention = { type: "mention", mention: { type: "date", date: { start: "2026-01-02" } } };
  await client.blocks.children.append({ block_id, children: [{ paragraph: { rich_text: [mention] } }] });
  const { results } = await client.blocks.children.list({ block_id });
  assert.ok(results.every(isFullBlock));
  const runs = results.map((block) => block.paragraph.rich_text[0]);
  assert.deepEqual(runs.map((run) => run.plain_text), ["first", "middle", "2026-01-02"]);
  assert.equal(runs[2].type, "mention");
  assert.equal((await client.blocks.delete({ block_id: results[0].id })).in_trash, true);
  await assert.rejects(
    client.request({ path: `pages/${page.id}`, method: "patch", body: { archived: true } }),
    { code: "validation_error" },
  );
});

test("markdown that is written later", async () => {
  const page = await client.pages.create({
    parent: { page_id: await pageCalled("Engineering") },
    properties: { title: { title: text("Later") } },
  });
  let task = await client.pages.updateMarkdown({
    page_id: page.id,
    type: "insert_content",
    insert_content: { content: "# Hello\n\nwritten later" },
    allow_async: true,
  });
  assert.equal(task.object, "async_task");
  while (task.status !== "succeeded") {
    assert.ok(["queued", "running"].includes(task.status), JSON.stringify(task));
    await new Promise((resolve) => setTimeout(resolve, 100));
    task = await client.asyncTasks.retrieve({ task_id: task.id });
  }
  assert.equal(task.result.markdown, "# Hello\nwritten later");
});
