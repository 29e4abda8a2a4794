// What both JavaScript SDKs do, in the same order. Where the majors differ (databases or data
// sources, the word for the trash), the dialect of the SDK decides.

import { expect } from "./recorder.mjs";

const UNKNOWN_PAGE = "0dead000-0000-4000-8000-000000000404";

/** A text with what gets lost first on the way: astral characters, escapes, combining marks. */
const AWKWARD = 'Grüße, 日本語, 🧑‍🚀, e\u0301, "quoted", back\\slash, tab\t, line\u2028end';

export async function run({ client, collect, guards, dialect, env, step, refused }) {
  // --- who is there
  const me = await step("me", () => client.users.me({}));
  expect(me.type === "bot", `users.me should be a bot, is ${me.type}`);
  const users = await step("list users", () => collect(client.users.list, { page_size: 2 }));
  expect(users.length > 0, "no users");
  await step("retrieve a user", () => client.users.retrieve({ user_id: users[0].id }));

  // --- finding things
  const found = await step("search, paged", () => collect(client.search, { page_size: 3 }));
  expect(found.length > 3, `search should have more than one page, found ${found.length}`);
  expect(new Set(found.map((item) => item.id)).size === found.length, "search repeats objects");
  await step("search by kind", () =>
    collect(client.search, {
      filter: { property: "object", value: dialect.tableKind },
      sort: { timestamp: "last_edited_time", direction: "ascending" },
      page_size: 2,
    }),
  );

  // --- reading
  const root = await step("retrieve a page", () => client.pages.retrieve({ page_id: env.rootPage }));
  expect(guards.isFullPage(root), "the root page is not a full page for the SDK");
  await step("retrieve a page as a block", () => client.blocks.retrieve({ block_id: env.rootPage }));
  await step("children of a page", () =>
    collect(client.blocks.children.list, { block_id: env.rootPage, page_size: 2 }),
  );
  await refused("retrieve an unknown page", () => client.pages.retrieve({ page_id: UNKNOWN_PAGE }));
  await refused("retrieve with a malformed id", () => client.pages.retrieve({ page_id: "no-id" }));

  // --- a page with content
  const page = await step("create a page with children", () =>
    client.pages.create({
      parent: { page_id: env.teamPage },
      icon: { type: "emoji", emoji: "🧪" },
      properties: { title: { title: [text(`Parity: ${AWKWARD}`)] } },
      children: [
        { heading_2: { rich_text: [text("Start")] } },
        { paragraph: { rich_text: [text(AWKWARD, { bold: true, color: "red" })] } },
        {
          toggle: {
            rich_text: [text("A toggle")],
            children: [{ paragraph: { rich_text: [text("inside")] } }],
          },
        },
      ],
    }),
  );
  const blocks = Array.from({ length: 250 }, (_, index) => block(index));
  for (let start = 0; start < blocks.length; start += 100) {
    await step(`append blocks from ${start}`, () =>
      client.blocks.children.append({
        block_id: page.id,
        children: blocks.slice(start, start + 100),
      }),
    );
  }
  const children = await step("read the blocks back, paged", () =>
    collect(client.blocks.children.list, { block_id: page.id, page_size: 100 }),
  );
  expect(children.length === 253, `expected 253 blocks, got ${children.length}`);
  expect(children.every(guards.isFullBlock), "not every block is a full block for the SDK");
  await step("insert a block after the first", () =>
    client.blocks.children.append({
      block_id: page.id,
      children: [{ paragraph: { rich_text: [text("second")] } }],
      ...dialect.after(children[0].id),
    }),
  );
  await step("update a block", () =>
    client.blocks.update({
      block_id: children[1].id,
      paragraph: { rich_text: [text("changed", { italic: true })] },
    }),
  );
  await step("delete a block", () => client.blocks.delete({ block_id: children[252].id }));
  await refused("append too many blocks", () =>
    client.blocks.children.append({
      block_id: page.id,
      children: Array.from({ length: 101 }, (_, index) => block(index)),
    }),
  );

  // --- a table
  await step("retrieve the database", () =>
    client.databases.retrieve({ database_id: env.database }),
  );
  const table = await step("retrieve the schema", () => dialect.schema());
  const title = propertyOfType(table, "title");
  const number = propertyOfType(table, "number");
  const rows = await step("query, paged", () => collect(dialect.query, { page_size: 2 }));
  expect(rows.length > 2, `the demo table should have more than two rows, has ${rows.length}`);
  await step("query with filter and sort", () =>
    collect(dialect.query, {
      filter: {
        and: [
          { property: title, title: { is_not_empty: true } },
          { or: [
            { property: title, title: { contains: "a" } },
            { property: title, title: { contains: "e" } },
          ] },
        ],
      },
      sorts: [{ property: title, direction: "descending" }],
      page_size: 2,
    }),
  );
  await refused("query an unknown property", () =>
    dialect.query({ filter: { property: "No such property", checkbox: { equals: true } } }),
  );
  const values = (name, amount) => ({
    [title]: { title: [text(name)] },
    ...(number ? { [number]: { number: amount } } : {}),
  });
  const row = await step("create a row", () =>
    client.pages.create({ parent: dialect.rowParent, properties: values("Row α", 0.1 + 0.2) }),
  );
  await step("update a row", () =>
    client.pages.update({ page_id: row.id, properties: values("Row β", -1.5e-9) }),
  );
  await step("retrieve the title of a row", () =>
    client.pages.properties.retrieve({
      page_id: row.id,
      property_id: table.properties[title].id,
    }),
  );
  await step("query for the new row", () =>
    dialect.query({ filter: { property: title, title: { equals: "Row β" } } }),
  );

  // --- comments
  const comment = await step("create a comment", () =>
    client.comments.create({ parent: { page_id: page.id }, rich_text: [text(AWKWARD)] }),
  );
  await step("answer in the discussion", () =>
    client.comments.create({ discussion_id: comment.discussion_id, rich_text: [text("answer")] }),
  );
  const comments = await step("list comments", () =>
    collect(client.comments.list, { block_id: page.id, page_size: 1 }),
  );
  expect(comments.length === 2, `expected two comments, got ${comments.length}`);

  // --- the trash
  const trashed = await step("trash the page", () =>
    client.pages.update({ page_id: page.id, ...dialect.trash(true) }),
  );
  expect(trashed[dialect.trashWord] === true, "the page is not in the trash");
  await step("retrieve the trashed page", () => client.pages.retrieve({ page_id: page.id }));
  const restored = await step("restore the page", () =>
    client.pages.update({ page_id: page.id, ...dialect.trash(false) }),
  );
  expect(restored[dialect.trashWord] === false, "the page is still in the trash");
  await step("trash the row", () =>
    client.pages.update({ page_id: row.id, ...dialect.trash(true) }),
  );
  await step("query without the trashed row", () => collect(dialect.query, { page_size: 100 }));
}

function text(content, annotations) {
  return { type: "text", text: { content }, ...(annotations ? { annotations } : {}) };
}

/** The nth block of the long page: one of several types, so that many shapes are compared. */
function block(index) {
  const rich_text = [text(`Block ${index}`)];
  switch (index % 7) {
    case 0:
      return { heading_3: { rich_text } };
    case 1:
      return { bulleted_list_item: { rich_text } };
    case 2:
      return { to_do: { rich_text, checked: index % 2 === 0 } };
    case 3:
      return { code: { rich_text, language: "rust" } };
    case 4:
      return { quote: { rich_text } };
    case 5:
      return { divider: {} };
    default:
      return { paragraph: { rich_text } };
  }
}

function propertyOfType(table, type) {
  return Object.keys(table.properties).find((name) => table.properties[name].type === type);
}
