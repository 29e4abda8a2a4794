// notion-to-md: pages of the sandbox become markdown.

import assert from "node:assert/strict";
import test from "node:test";

import { Client } from "notion-client-2";
import { NotionToMarkdown } from "notion-to-md";

import { baseUrl, pageCalled, token } from "./world.mjs";

const client = new Client({ auth: token, baseUrl });

const text = (content) => [{ type: "text", text: { content } }];

test("a page with all sorts of blocks becomes markdown", async () => {
  const parent = await pageCalled("Engineering");
  const page = await client.pages.create({
    parent: { page_id: parent },
    properties: { title: { title: text("For notion-to-md") } },
    children: [
      { heading_2: { rich_text: text("Steps") } },
      {
        bulleted_list_item: {
          rich_text: text("outer"),
          children: [{ bulleted_list_item: { rich_text: text("inner") } }],
        },
      },
      { to_do: { rich_text: text("ship"), checked: true } },
      { quote: { rich_text: text("said") } },
      { callout: { rich_text: text("mind"), icon: { emoji: "💡" } } },
      { code: { rich_text: text("let x = 1;"), language: "rust" } },
      { divider: {} },
      { toggle: { rich_text: text("more"), children: [{ paragraph: { rich_text: text("less") } }] } },
      {
        table: {
          table_width: 2,
          has_column_header: true,
          children: [
            { table_row: { cells: [text("a"), text("b")] } },
            { table_row: { cells: [text("1"), text("2")] } },
          ],
        },
      },
      { bookmark: { url: "https://example.com/" } },
    ],
  });
  const converter = new NotionToMarkdown({ notionClient: client });
  const { parent: markdown } = converter.toMarkdownString(await converter.pageToMarkdown(page.id));
  for (const part of [
    "## Steps",
    "- outer\n    - inner",
    "- [x] ship",
    "> said",
    "> 💡 mind",
    "```rust\nlet x = 1;\n```",
    "---",
    "<details>",
    "| a | b |",
    "https://example.com/",
  ]) {
    assert.ok(markdown.includes(part), `no ${JSON.stringify(part)} in\n${markdown}`);
  }
});

test("columns, synced blocks, nested lists, and pages below", async () => {
  const paragraph = (content) => ({ paragraph: { rich_text: text(content) } });
  const item = (content, children) => ({ numbered_list_item: { rich_text: text(content), children } });
  const page = await client.pages.create({
    parent: { page_id: await pageCalled("Engineering") },
    properties: { title: { title: text("Nested") } },
    children: [
      {
        column_list: {
          children: ["left", "right"].map((side) => ({ column: { children: [paragraph(side)] } })),
        },
      },
      { synced_block: { synced_from: null, children: [paragraph("in two places")] } },
      item("one", [item("one below")]),
      item("two"),
    ],
  });
  const { results } = await client.blocks.children.list({ block_id: page.id });
  await client.blocks.children.append({
    block_id: page.id,
    children: [{ synced_block: { synced_from: { block_id: results[1].id } } }],
  });
  await client.pages.create({
    parent: { page_id: page.id },
    properties: { title: { title: text("Below") } },
    children: [paragraph("deeper")],
  });
  const converter = new NotionToMarkdown({ notionClient: client });
  const { parent, ...below } = converter.toMarkdownString(await converter.pageToMarkdown(page.id));
  for (const part of ["left", "right", "1. one", "1. one below", "2. two", "## Below"]) {
    assert.ok(parent.includes(part), `no ${part} in\n${parent}`);
  }
  assert.equal(parent.split("in two places").length, 3, parent);
  assert.deepEqual(below, {});
});

test("a page of the demo with its child pages", async () => {
  const converter = new NotionToMarkdown({ notionClient: client });
  const blocks = await converter.pageToMarkdown(await pageCalled("Handbook"));
  assert.ok(blocks.length > 3);
  const { parent } = converter.toMarkdownString(blocks);
  assert.ok(parent.length > 100, parent);
});
