// What scripts share that start the product: a gate and a sandbox of their own, gone when the script ends.
//
// NOTEGATE is the program; `cargo xtask test` sets it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";

const { NOTEGATE } = process.env;
/** Ends a program with the one that started it; Linux only. */
const SETPRIV = "/usr/bin/setpriv";
const children = new Set();
process.on("exit", () => children.forEach((child) => child.kill("SIGKILL")));
/** What is to be done when all tests of the script are over, the latest first. */
const ends = [];
after(async () => {
  for (const end of ends.reverse()) await end();
});

/** Has this done when all tests of the script are over. */
export function atEnd(end) {
  ends.push(end);
}

/** Starts the program and waits for its ready file, or for its address to answer. */
async function start(args, { env = {}, ready }) {
  // It ends with this script, however that ends.
  const bound = existsSync(SETPRIV) ? [SETPRIV, "--pdeathsig", "KILL", "--", NOTEGATE] : [NOTEGATE];
  const child = spawn(bound[0], [...bound.slice(1), ...args], {
    env: { PATH: process.env.PATH, HOME: tmpdir(), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.add(child);
  let log = "";
  const keep = (text) => (log = (log + text).slice(-20_000));
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  ends.push(async () => {
    child.kill("SIGTERM");
    if (child.exitCode === null) await new Promise((done) => child.once("exit", done));
    children.delete(child);
  });
  for (const deadline = Date.now() + 60_000; ; ) {
    const found = await ready().catch(() => undefined);
    if (found !== undefined) return Object.assign(found, { log: () => log });
    assert.equal(child.exitCode, null, `notegate ended:\n${log}`);
    assert.ok(Date.now() < deadline, `notegate was not ready:\n${log}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** An empty directory that is gone afterwards. */
export function directory() {
  const path = mkdtempSync(join(tmpdir(), "notegate-test-"));
  ends.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A port that nobody uses at the moment. */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

/** The control routes of the sandbox at this address: `control(method, route, body)`. */
function controlOf(url) {
  return async (method, route, body) => {
    const text = body && JSON.stringify(body);
    const answer = await fetch(`${url}/_sandbox/${route}`, { method, body: text });
    const json = await answer.json();
    assert.ok(answer.ok, `${method} ${route}: ${JSON.stringify(json)}`);
    return json;
  };
}

/** A sandbox: `{url, control(method, route, body)}`. */
export async function startSandbox() {
  const url = `http://127.0.0.1:${await freePort()}`;
  const control = controlOf(url);
  return start(["sandbox", "serve", "--listen", url.slice("http://".length)], {
    ready: async () => (await control("GET", "health")) && { url, control },
  });
}

/** A gate: what its ready file says, and `call(key, method, path, body)`. With `--sandbox` also `control`. */
export async function startGate(args = [], env = {}) {
  const place = directory();
  const file = join(place, "ready.json");
  const all = ["serve", "--data-dir", join(place, "data"), "--ready-file", file, ...args];
  const gate = await start(all, { env, ready: async () => JSON.parse(readFileSync(file, "utf8")) });
  gate.directory = place;
  if (gate.sandbox) gate.control = controlOf(gate.sandbox.url);
  gate.call = async (key, method, path, body) => {
    const headers = { authorization: `Bearer ${key}`, "notion-version": "2025-09-03" };
    if (body) headers["content-type"] = "application/json";
    const text = body && JSON.stringify(body);
    const answer = await fetch(gate.url + path, { method, headers, body: text });
    const bytes = await answer.text();
    return { status: answer.status, body: bytes && JSON.parse(bytes) };
  };
  return gate;
}
