// @notionhq/client 5.x: Notion's own SDK, all of what it can call.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import test from "node:test";

import {
  APIErrorCode,
  Client,
  collectPaginatedAPI,
  isFullBlock,
  isFullPage,
  verifyWebhookSignature,
} from "notion-client-5";

import { baseUrl, control, pageCalled, tableCalled, token } from "./world.mjs";

const client = new Client({ auth: token, baseUrl });
const text = (content) => [{ text: { content } }];
const newPage = (parent, title, more = {}) =>
  client.pages.create({
    parent: { page_id: parent },
    properties: { title: { title: text(title) } },
    ...more,
  });

test("users, search, pages, blocks, comments", async () => {
  assert.equal((await client.users.me({})).type, "bot");
  assert.ok((await collectPaginatedAPI(client.users.list, { page_size: 2 })).length >= 5);
  const found = await collectPaginatedAPI(client.search, { page_size: 7 });
  assert.equal(new Set(found.map((object) => object.id)).size, found.length);
  const page = await newPage(await pageCalled("Engineering"), "From the SDK", {
    icon: { emoji: "🧪" },
    children: [{ paragraph: { rich_text: text("one") } }],
  });
  assert.ok(isFullPage(page));
  const many = Array.from({ length: 99 }, (_, index) => ({
    bulleted_list_item: { rich_text: text(`item ${index}`) },
  }));
  await client.blocks.children.append({ block_id: page.id, children: many });
  const blocks = await collectPaginatedAPI(client.blocks.children.list, {
    block_id: page.id,
    page_size: 30,
  });
  assert.equal(blocks.length, 100);
  assert.ok(blocks.every(isFullBlock));
  const updated = await client.blocks.update({
    block_id: blocks[0].id,
    paragraph: { rich_text: text("two") },
  });
  assert.equal(updated.paragraph.rich_text[0].plain_text, "two");
  assert.equal((await client.blocks.delete({ block_id: blocks[1].id })).in_trash, true);
  const comment = await client.comments.create({
    parent: { page_id: page.id },
    rich_text: text("hm"),
  });
  const reply = await client.comments.create({
    discussion_id: comment.discussion_id,
    rich_text: text("indeed"),
  });
  assert.equal(reply.discussion_id, comment.discussion_id);
  assert.equal((await client.comments.list({ block_id: page.id })).results.length, 2);
  const moved = await client.pages.move({
    page_id: page.id,
    parent: { type: "page_id", page_id: await pageCalled("Handbook") },
  });
  assert.equal(moved.parent.page_id, await pageCalled("Handbook"));
  assert.equal((await client.pages.update({ page_id: page.id, in_trash: true })).in_trash, true);
});

test("databases, data sources, queries, property items", async () => {
  const page = await newPage(await pageCalled("Engineering"), "Tables");
  const database = await client.databases.create({
    parent: { type: "page_id", page_id: page.id },
    title: text("Stock"),
    initial_data_source: {
      properties: {
        Name: { title: {} },
        Count: { number: { format: "number" } },
        Kind: { select: { options: [{ name: "big" }, { name: "small" }] } },
        Double: { formula: { expression: 'prop("Count") * 2' } },
      },
    },
  });
  const data_source_id = database.data_sources[0].id;
  for (let count = 0; count < 12; count += 1) {
    await client.pages.create({
      parent: { data_source_id },
      properties: {
        Name: { title: text(`Thing ${count}`) },
        Count: { number: count },
        Kind: { select: { name: count % 3 ? "small" : "big" } },
      },
    });
  }
  const rows = await collectPaginatedAPI(client.dataSources.query, {
    data_source_id,
    page_size: 5,
    filter: {
      or: [
        { property: "Count", number: { greater_than: 9 } },
        { and: [{ property: "Kind", select: { equals: "big" } }, { property: "Count", number: { less_than: 4 } }] },
      ],
    },
    sorts: [{ property: "Count", direction: "descending" }],
  });
  assert.deepEqual(rows.map((row) => row.properties.Count.number), [11, 10, 3, 0]);
  assert.equal(rows[0].properties.Double.formula.number, 22);
  const item = await client.pages.properties.retrieve({
    page_id: rows[0].id,
    property_id: rows[0].properties.Count.id,
  });
  assert.equal(item.number, 11);
  const changed = await client.dataSources.update({
    data_source_id,
    properties: { Count: { name: "Amount" }, Kind: null },
  });
  assert.deepEqual(Object.keys(changed.properties).sort(), ["Amount", "Double", "Name"]);
  await assert.rejects(
    client.dataSources.query({ data_source_id, filter: { property: "Kind", select: { equals: "big" } } }),
    (error) => error.code === APIErrorCode.ValidationError && /Kind/.test(error.message),
  );
});

test("markdown", async () => {
  const page = await client.pages.create({
    parent: { page_id: await pageCalled("Engineering") },
    markdown: "# In markdown\n\n- [ ] ship\n- **bold** words\n",
  });
  assert.equal(page.properties.title.title[0].plain_text, "In markdown");
  const read = await client.pages.retrieveMarkdown({ page_id: page.id });
  assert.equal(read.markdown, "- [ ] ship\n- **bold** words");
  const written = await client.pages.updateMarkdown({
    page_id: page.id,
    type: "update_content",
    update_content: { content_updates: [{ old_str: "- [ ] ship", new_str: "- [x] ship" }] },
  });
  assert.equal(written.markdown, "- [x] ship\n- **bold** words");
});

test("views and their queries", async () => {
  const { dataSource, database } = await tableCalled("Tasks");
  const view = await client.views.create({
    data_source_id: dataSource,
    database_id: database,
    name: "High",
    type: "table",
    filter: { property: "Priority", select: { equals: "High" } },
  });
  const listed = await client.views.list({ database_id: database });
  assert.ok(listed.results.some((other) => other.id === view.id));
  const query = await client.views.queries.create({ view_id: view.id, page_size: 2 });
  assert.ok(query.total_count >= 1);
  assert.equal((await client.views.update({ view_id: view.id, name: "Higher" })).name, "Higher");
  await client.views.delete({ view_id: view.id });
  await assert.rejects(client.views.retrieve({ view_id: view.id }), { code: "object_not_found" });
});

test("file uploads, in one part and in several", async () => {
  const page = await newPage(await pageCalled("Engineering"), "Files");
  const upload = await client.fileUploads.create({ filename: "note.txt", content_type: "text/plain" });
  const sent = await client.fileUploads.send({
    file_upload_id: upload.id,
    file: { data: new Blob(["hello"]), filename: "note.txt" },
  });
  assert.equal(sent.status, "uploaded");
  const { results } = await client.blocks.children.append({
    block_id: page.id,
    children: [{ type: "file", file: { type: "file_upload", file_upload: { id: upload.id } } }],
  });
  const stored = await fetch(results[0].file.file.url);
  assert.equal(await stored.text(), "hello");

  const large = await client.fileUploads.create({
    mode: "multi_part",
    filename: "large.txt",
    content_type: "text/plain",
    number_of_parts: 2,
  });
  const parts = ["x".repeat(5 * 1024 * 1024), "end"];
  for (const [index, part] of parts.entries()) {
    await client.fileUploads.send({
      file_upload_id: large.id,
      part_number: String(index + 1),
      file: { data: new Blob([part]), filename: "large.txt" },
    });
  }
  const done = await client.fileUploads.complete({ file_upload_id: large.id });
  assert.equal(done.status, "uploaded");
  assert.equal(done.content_length, parts[0].length + parts[1].length);
});

test("OAuth: code, refresh, introspection, revocation", async () => {
  const redirect = "http://127.0.0.1:1/callback";
  const app = await control("POST", "oauth/clients", {
    name: "An app",
    redirect_uris: [redirect],
    capabilities: ["read_content"],
  });
  const page = await pageCalled("Handbook");
  const url = new URL(`${baseUrl}/v1/oauth/authorize`);
  url.search = new URLSearchParams({
    client_id: app.client_id,
    redirect_uri: redirect,
    response_type: "code",
    owner: "user",
    state: "s",
    _sandbox_approve: "1",
    _sandbox_pages: page,
  });
  const approved = await fetch(url, { redirect: "manual" });
  const { searchParams } = new URL(approved.headers.get("location"));
  assert.equal(searchParams.get("state"), "s");
  const credentials = { client_id: app.client_id, client_secret: app.client_secret };
  const granted = await client.oauth.token({
    ...credentials,
    grant_type: "authorization_code",
    code: searchParams.get("code"),
    redirect_uri: redirect,
  });
  const theirs = new Client({ auth: granted.access_token, baseUrl });
  assert.equal((await theirs.pages.retrieve({ page_id: page })).id, page);
  const renewed = await client.oauth.token({
    ...credentials,
    grant_type: "refresh_token",
    refresh_token: granted.refresh_token,
  });
  assert.notEqual(renewed.access_token, granted.access_token);
  const introspected = await client.oauth.introspect({ ...credentials, token: renewed.access_token });
  assert.equal(introspected.active, true);
  await client.oauth.revoke({ ...credentials, token: renewed.access_token });
  const after = new Client({ auth: renewed.access_token, baseUrl });
  await assert.rejects(after.users.me({}), { code: "unauthorized" });
});

test("webhooks: a handshake, and events that verify", async (t) => {
  const received = [];
  let arrived = () => {};
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    received.push({ body, signature: request.headers["x-notion-signature"] });
    response.end();
    arrived();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const { subscription_id, verification_token } = await control("POST", "webhooks", {
    url: `http://127.0.0.1:${server.address().port}/hook`,
    events: ["page.created"],
    api_version: "2026-03-11",
  });
  assert.equal(JSON.parse(received[0].body).verification_token, verification_token);
  const event = new Promise((resolve) => (arrived = resolve));
  const page = await newPage(await pageCalled("Engineering"), "Announced");
  await control("POST", "webhooks/flush");
  await event;
  const { body, signature } = received[1];
  assert.ok(await verifyWebhookSignature({ body, signature, verificationToken: verification_token }));
  const told = JSON.parse(body);
  assert.equal(told.type, "page.created");
  assert.equal(told.entity.id, page.id);
  assert.equal(told.subscription_id, subscription_id);
});
