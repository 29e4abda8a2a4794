// The ways in which clients in TypeScript reach a gate: the SDKs of both eras, over HTTP, over stdio
// (`notegate mcp`), and through mcp-remote.

import { Client as NewClient, StreamableHTTPClientTransport as NewHttp } from "@modelcontextprotocol/client";
import { StdioClientTransport as NewStdio } from "@modelcontextprotocol/client/stdio";
import { Client as OldClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as OldStdio } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport as OldHttp } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

import { directory } from "../gate.mjs";

const name = "notegate-tests";
const version = "1.0.0";

/** The SDKs: a client for each era that one speaks. */
const sdks = {
  "sdk 1.x": {
    client: () => new OldClient({ name, version }),
    call: (client, call, options) => client.callTool(call, undefined, options),
    Http: OldHttp,
    Stdio: OldStdio,
  },
};
for (const [era, mode] of [
  ["legacy", "legacy"],
  ["auto", "auto"],
  ["pinned", { pin: "2026-07-28" }],
]) {
  sdks[`client 2.x, ${era}`] = {
    client: () => new NewClient({ name, version }, { versionNegotiation: { mode } }),
    call: (client, call, options) => client.callTool(call, options),
    Http: NewHttp,
    Stdio: NewStdio,
  };
}

/**
 * A link: `open(key)` connects with a key, or without one. An error has what was `said` about it. `frees`
 * means that cancelling a call ends it at the gate: of before 2026-07-28, clients say it over HTTP in a
 * message of its own, and without sessions nobody knows which call it means.
 */
function link(name, sdk, transport, traits = {}) {
  const open = async (key) => {
    const client = sdk.client();
    const through = transport(key);
    let log = "";
    through.stderr?.on("data", (text) => (log += text));
    try {
      await client.connect(through);
    } catch (error) {
      throw Object.assign(error, { said: `${error.message}\n${log}` });
    }
    client.use = (tool, given = {}, options) => sdk.call(client, { name: tool, arguments: given }, options);
    return client;
  };
  return { name, open, ...traits };
}

/** `npx mcp-remote URL …`, as a client starts it. */
export function remote(url, args, env = {}) {
  const program = new URL("node_modules/mcp-remote/dist/proxy.js", import.meta.url).pathname;
  return {
    command: process.execPath,
    args: [program, url, "--transport", "http-only", ...args],
    env: { PATH: process.env.PATH, MCP_REMOTE_CONFIG_DIR: directory(), ...env },
    stderr: "pipe",
  };
}

/** All of them. */
export function links(gate) {
  const url = new URL(`${gate.url}/mcp/all`);
  const found = [];
  for (const [name, sdk] of Object.entries(sdks)) {
    const probes = /auto|pinned/.test(name);
    const byHttp = (key) => {
      const headers = key ? { authorization: `Bearer ${key}` } : {};
      return new sdk.Http(url, { requestInit: { headers } });
    };
    found.push(link(`${name}, HTTP`, sdk, byHttp, { probes, frees: probes }));
    const byStdio = (key) => {
      const env = { PATH: process.env.PATH, NOTEGATE_URL: gate.url, ...(key && { NOTEGATE_KEY: key }) };
      const args = ["mcp", "--tools", "all"];
      return new sdk.Stdio({ command: process.env.NOTEGATE, args, env, stderr: "pipe" });
    };
    found.push(link(`${name}, stdio`, sdk, byStdio, { probes, frees: true }));
  }
  for (const protocol of ["legacy", "auto"]) {
    const sdk = sdks["client 2.x, legacy"];
    const through = (key) => {
      const header = key ? ["--header", "Authorization: Bearer ${NOTEGATE_KEY}"] : [];
      const env = key && { NOTEGATE_KEY: key };
      return new sdk.Stdio(remote(url.href, [...header, "--protocol", protocol], env));
    };
    found.push(link(`mcp-remote, ${protocol}`, sdk, through, { signsIn: true, frees: protocol === "auto" }));
  }
  return found;
}
