// Writes down what the SDK under test received, as bytes.
//
// The SDKs parse an answer and throw its text away; a gateway that reorders keys or rounds a
// number would pass. So the SDK gets a `fetch` that keeps the text of every answer, under the
// name of the step that caused it, one JSON line per exchange on stdout.

/** The ids and the credential that the comparer hands over. */
export function environment() {
  const need = (name) => {
    const value = process.env[name];
    if (!value) {
      console.error(`${name} is not set: run these scripts by \`cargo xtask test --only sdk\``);
      process.exit(2);
    }
    return value;
  };
  return {
    baseUrl: need("BASE_URL"),
    token: need("TOKEN"),
    notionVersion: process.env.NOTION_VERSION || undefined,
    rootPage: need("ROOT_PAGE_ID"),
    teamPage: need("TEAM_PAGE_ID"),
    dataSource: need("DATA_SOURCE_ID"),
    database: need("DATABASE_ID"),
  };
}

/**
 * A recorder around the fetch that the SDK would have used.
 *
 * `ResponseClass` is the response type that belongs to `fetch`: node-fetch has its own.
 */
export function recorder(fetch, ResponseClass) {
  let current = "before the first step";

  const recording = async (url, init) => {
    const response = await fetch(url, init);
    const bytes = Buffer.from(await response.arrayBuffer());
    const { pathname, search } = new URL(url);
    emit({
      step: current,
      request: `${init?.method ?? "GET"} ${pathname}${search}`,
      status: response.status,
      content_type: response.headers.get("content-type"),
      notion_request_id: response.headers.get("x-notion-request-id"),
      body: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes),
    });
    return new ResponseClass(bytes, {
      status: response.status,
      statusText: response.statusText,
      headers: response.headers,
    });
  };

  /** Runs one step; what it sends is recorded under its name. */
  const step = async (name, action) => {
    current = name;
    try {
      return await action();
    } catch (error) {
      throw new Error(`step "${name}": ${error.message}`, { cause: error });
    }
  };

  /** Runs one step that Notion refuses; what the SDK made of the refusal is recorded as well. */
  const refused = async (name, action) => {
    current = name;
    let answer;
    try {
      answer = await action();
    } catch (error) {
      emit({
        step: name,
        error: { name: error.name, code: error.code, status: error.status, message: error.message },
      });
      return error;
    }
    throw new Error(`step "${name}": expected a refusal, got ${JSON.stringify(answer)}`);
  };

  return { fetch: recording, step, refused };
}

/** Fails the run if the product answers wrongly in the same way on both sides. */
export function expect(condition, message) {
  if (!condition) throw new Error(message);
}

function emit(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
