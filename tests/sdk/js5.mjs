// @notionhq/client 5.x: data sources; Notion-Version 2025-09-03 unless NOTION_VERSION says more.

import { Client, collectPaginatedAPI, isFullBlock, isFullPage } from "notion-client-5";

import { environment, recorder } from "./recorder.mjs";
import { run } from "./scenario.mjs";

const env = environment();
const { fetch, step, refused } = recorder(globalThis.fetch, Response);
const client = new Client({
  auth: env.token,
  baseUrl: env.baseUrl,
  fetch,
  ...(env.notionVersion ? { notionVersion: env.notionVersion } : {}),
});
const positions = (env.notionVersion ?? "2025-09-03") >= "2026-03-11";

await run({
  client,
  collect: collectPaginatedAPI,
  guards: { isFullBlock, isFullPage },
  env,
  step,
  refused,
  dialect: {
    tableKind: "data_source",
    trashWord: "in_trash",
    trash: (in_trash) => ({ in_trash }),
    after: (id) =>
      positions ? { position: { type: "after_block", after_block: { id } } } : { after: id },
    rowParent: { type: "data_source_id", data_source_id: env.dataSource },
    schema: () => client.dataSources.retrieve({ data_source_id: env.dataSource }),
    query: (args) => client.dataSources.query({ data_source_id: env.dataSource, ...args }),
  },
});
