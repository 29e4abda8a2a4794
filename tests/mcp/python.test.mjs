// The Python SDK of both lines: `client.py` does the work, in front of a gate that is started here.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";

import { startGate } from "../gate.mjs";

const gate = await startGate(["--sandbox", "--listen", "127.0.0.1:0"]);

for (const line of ["PYTHON_1", "PYTHON_2"]) {
  test(line, async () => {
    const env = {
      PATH: process.env.PATH,
      NODE: process.execPath,
      NOTEGATE: process.env.NOTEGATE,
      GATE: gate.url,
      ADMIN_KEY: gate.admin_key,
      VIEWER_KEY: gate.keys.viewer,
      SANDBOX: gate.sandbox.url,
      PAGE: gate.sandbox.demo.team_page_id,
      OUTSIDE: gate.sandbox.demo.other_page_id,
    };
    const failed = await new Promise((done) => {
      const args = ["-m", "unittest", "client.py"];
      const options = { env, cwd: new URL(".", import.meta.url).pathname, timeout: 120_000 };
      execFile(process.env[line], args, options, (error, stdout, stderr) => done(error && `${stdout}${stderr}`));
    });
    assert.equal(failed, null);
  });
}
