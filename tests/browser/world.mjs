// What tests in a browser share: a headless Chromium, beside the gates and sandboxes of `../gate.mjs`.
//
// CHROMIUM is the browser; `cargo xtask test --only browser` sets it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import puppeteer from "puppeteer-core";

import { atEnd } from "../gate.mjs";

export * from "../gate.mjs";

const { CHROMIUM } = process.env;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const WIDE = { width: 1280, height: 800 };
const SMALL = { width: 375, height: 700 };
/** Where pictures of the pages go, if somebody wants to look at them. */
const { SHOTS } = process.env;

/** A browser without any memory. */
export async function startBrowser() {
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  const browser = await puppeteer.launch({ executablePath: CHROMIUM, headless: true, args });
  atEnd(() => browser.close());
  return browser;
}

/** Presses what bears this text, and waits for the page that it leads to. */
export async function press(page, selector, text) {
  for (const element of await page.$$(selector)) {
    if ((await element.evaluate((it) => it.textContent.trim())) === text) {
      const [answer] = await Promise.all([page.waitForNavigation(), element.click()]);
      return answer;
    }
  }
  assert.fail(`no ${selector} says "${text}" on ${page.url()}:\n${await page.content()}`);
}

/** Whether the page is wider than the window. */
export async function isTooWide(page) {
  return page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
}

/** The page fits both screens, and axe-core finds nothing to complain about. */
export async function looksRight(page, name) {
  for (const [size, viewport] of Object.entries({ wide: WIDE, small: SMALL })) {
    await page.setViewport(viewport);
    assert.equal(await isTooWide(page), false, `${page.url()} at ${viewport.width}`);
    if (SHOTS) await page.screenshot({ path: join(SHOTS, `${name}-${size}.png`), fullPage: true });
  }
  assert.equal((await page.$$("h1")).length, 1);
  assert.equal((await page.$$("script")).length, 0);
  await page.evaluate(AXE);
  const found = await page.evaluate(() => globalThis.axe.run());
  const told = found.violations.map((it) => `${it.id}: ${it.nodes.map((node) => node.html).join(" ")}`);
  assert.deepEqual(told, [], page.url());
}
