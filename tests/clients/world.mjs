// What every script needs: where the sandbox is, a token, and the demo pages by their titles.

export const baseUrl = required("NOTION_BASE_URL");
export const token = required("NOTION_TOKEN");

function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run this with \`notegate sandbox exec -- …\``);
  return value;
}

/** One request to Notion's API, without any client. */
export async function notion(method, path, body, version = "2026-03-11") {
  const response = await fetch(`${baseUrl}/v1/${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      "notion-version": version,
      ...(body ? { "content-type": "application/json" } : {}),
    },
    body: body && JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${answer.message}`);
  return answer;
}

/** A control route of the sandbox: what a person would do in Notion's app. */
export async function control(method, route, body) {
  const response = await fetch(`${baseUrl}/_sandbox/${route}`, {
    method,
    headers: body ? { "content-type": "application/json" } : {},
    body: body && JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${method} ${route}: ${response.status} ${JSON.stringify(answer)}`);
  return answer;
}

/** The page of the demo with this title. */
export async function pageCalled(title) {
  const { results } = await notion("POST", "search", {
    query: title,
    filter: { property: "object", value: "page" },
  });
  const page = results.find(
    (page) => page.properties.title?.title.map((run) => run.plain_text).join("") === title,
  );
  if (!page) throw new Error(`the demo has no page called ${title}`);
  return page.id;
}

/** The data source of the demo with this title, and its database. */
export async function tableCalled(title) {
  const { results } = await notion("POST", "search", {
    query: title,
    filter: { property: "object", value: "data_source" },
  });
  const table = results.find((table) => table.title.map((run) => run.plain_text).join("") === title);
  if (!table) throw new Error(`the demo has no table called ${title}`);
  return { dataSource: table.id, database: table.parent.database_id };
}
