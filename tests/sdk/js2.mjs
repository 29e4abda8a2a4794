// @notionhq/client 2.2: databases have the schema and the rows; Notion-Version 2022-06-28.

import { createRequire } from "node:module";

import sdk from "notion-client-2";

import { environment, recorder } from "./recorder.mjs";
import { run } from "./scenario.mjs";

// The SDK of that time brings node-fetch, so that is what it is recorded with.
const requireFromSdk = createRequire(createRequire(import.meta.url).resolve("notion-client-2"));
const nodeFetch = requireFromSdk("node-fetch");

const env = environment();
const { fetch, step, refused } = recorder(nodeFetch, nodeFetch.Response);
const client = new sdk.Client({
  auth: env.token,
  baseUrl: env.baseUrl,
  fetch,
  ...(env.notionVersion ? { notionVersion: env.notionVersion } : {}),
});

await run({
  client,
  collect: sdk.collectPaginatedAPI,
  guards: { isFullBlock: sdk.isFullBlock, isFullPage: sdk.isFullPage },
  env,
  step,
  refused,
  dialect: {
    tableKind: "database",
    trashWord: "archived",
    trash: (archived) => ({ archived }),
    after: (id) => ({ after: id }),
    rowParent: { database_id: env.database },
    schema: () => client.databases.retrieve({ database_id: env.database }),
    query: (args) => client.databases.query({ database_id: env.database, ...args }),
  },
});
