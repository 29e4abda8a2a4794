// @tryfabric/martian: markdown becomes blocks, and the sandbox takes them as they are.

import assert from "node:assert/strict";
import test from "node:test";

import { markdownToBlocks, markdownToRichText } from "@tryfabric/martian";
import { Client } from "notion-client-5";

import { baseUrl, pageCalled, token } from "./world.mjs";

const client = new Client({ auth: token, baseUrl });

const TEXT = `# Release notes

A paragraph with **bold**, *italic*, ~~gone~~, \`code\` and a [link](https://example.com/a).

- one
  - one and a half
    - deeper
- two

1. first
2. second

- [x] done
- [ ] open

> quoted

| a | b |
|---|---|
| 1 | 2 |

\`\`\`javascript
const x = 1;
\`\`\`

$$
e = mc^2
$$

---

![alt](https://example.com/image.png)
`;

test("markdown becomes blocks that are read back", async () => {
  const parent = await pageCalled("Engineering");
  const blocks = markdownToBlocks(TEXT);
  const page = await client.pages.create({
    parent: { page_id: parent },
    properties: { title: { title: markdownToRichText("From **martian**") } },
    children: blocks,
  });
  const { results } = await client.blocks.children.list({ block_id: page.id });
  assert.deepEqual(results.map((block) => block.type), blocks.map((block) => block.type));
  const paragraph = results.find((block) => block.type === "paragraph");
  assert.deepEqual(
    paragraph.paragraph.rich_text.filter((run) => run.annotations.bold).map((run) => run.plain_text),
    ["bold"],
  );
  const table = results.find((block) => block.type === "table");
  const rows = await client.blocks.children.list({ block_id: table.id });
  assert.equal(rows.results.length, 2);
  const outer = results.find((block) => block.type === "bulleted_list_item");
  const inner = await client.blocks.children.list({ block_id: outer.id });
  assert.equal(inner.results[0].bulleted_list_item.rich_text[0].plain_text, "one and a half");
  assert.equal(inner.results[0].has_children, true);
});

test("a text that is too long is refused in Notion's words", async () => {
  const parent = await pageCalled("Engineering");
  const children = [{ paragraph: { rich_text: [{ text: { content: "x".repeat(2001) } }] } }];
  await assert.rejects(
    client.blocks.children.append({ block_id: parent, children }),
    (error) => error.code === "validation_error" && /should be ≤ `2000`/.test(error.message),
  );
});
