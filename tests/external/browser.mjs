// Drives a page of ours in a real Chromium and prints what it saw as one line of JSON.
// Arguments: Chromium, the page's URL, a folder for screenshots, and `host` to be a host of MCP Apps.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const [program, url, shots, way, answer] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox"] });
const said = { requests: [], errors: [], dialogs: 0, axe: {}, overflow: {} };

const open = async (scheme, width) => {
  const context = await browser.newContext({ colorScheme: scheme, viewport: { width, height: 900 }, bypassCSP: false });
  const page = await context.newPage();
  page.on("request", (request) => { if (!request.url().startsWith("data:")) said.requests.push(request.url()); });
  page.on("console", (message) => { if (message.type() === "error") said.errors.push(message.text()); });
  page.on("pageerror", (error) => said.errors.push(String(error)));
  page.on("dialog", (dialog) => { said.dialogs += 1; dialog.dismiss(); });
  return page;
};

const violations = async (page) => {
  const frame = page.frames().find((one) => one.name() === "app") || page.mainFrame();
  return frame.evaluate(`(() => { ${axe}; return axe.run().then((r) => r.violations.map((v) => v.id + ": " + v.nodes[0].html.slice(0, 120))); })()`);
};

const looked = async (page) => page.evaluate(() => ({
  heading: document.querySelector("h1").textContent,
  status: document.querySelector("#status").textContent,
  turns: [...document.querySelectorAll("#turns button")].map((button) => button.textContent),
  current: document.querySelector("#turns [aria-current=true]")?.dataset.turn,
  line: document.querySelector("#frame").style.getPropertyValue("--at"),
  change: !document.querySelector("#change").hidden,
  panel: document.querySelector("#turn").textContent,
  width: document.querySelector("#before").naturalWidth,
}));

if (way === "host") {
  const page = await open("light", 900);
  const app = readFileSync(url, "utf8");
  const result = JSON.parse(readFileSync(answer, "utf8"));
  await page.setContent("<!doctype html><html lang=en><title>host</title><iframe name=app title=app sandbox='allow-scripts' style='width:860px;height:860px'></iframe></html>");
  await page.evaluate(([app, result]) => {
    const frame = document.querySelector("iframe");
    window.heard = [];
    addEventListener("message", (event) => {
      const { id, method } = event.data;
      window.heard.push(method);
      const post = (message) => frame.contentWindow.postMessage({ jsonrpc: "2.0", ...message }, "*");
      if (method === "ui/initialize") post({ id, result: { protocolVersion: "2026-01-26", hostInfo: { name: "t", version: "1" }, hostCapabilities: {}, hostContext: {} } });
      if (method === "resources/read") post({ id, error: { code: -32601, message: "not here" } });
      if (method === "ui/notifications/initialized") post({ method: "ui/notifications/tool-result", params: result });
    });
    frame.srcdoc = app;
  }, [app, result]);
  const frame = await (await page.waitForSelector("iframe")).contentFrame();
  await frame.waitForSelector("#turns button");
  said.seen = await frame.evaluate(() => ({ heading: document.querySelector("h1").textContent, turns: document.querySelectorAll("#turns button").length }));
  said.heard = await page.evaluate(() => window.heard);
  await page.screenshot({ path: `${shots}/app.png` });
} else {
  for (const [scheme, width] of [["light", 1200], ["dark", 1200], ["light", 360]]) {
    const page = await open(scheme, width);
    await page.goto(url);
    await page.waitForSelector("#turns button");
    if (way === "live") await page.waitForFunction(() => document.querySelector("#status").textContent.startsWith("satisfied"), null, { timeout: 60000 });
    const name = `${scheme}-${width}`;
    said.axe[name] = await violations(page);
    said.overflow[name] = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    await page.screenshot({ path: `${shots}/${name}.png`, fullPage: true });
    if (name === "light-1200") {
      said.first = await looked(page);
      await page.focus("#slider");
      for (let i = 0; i < 5; i += 1) await page.keyboard.press("ArrowRight");
      said.moved = await looked(page);
      await page.check("#changes");
      await page.locator("#changes").press("ArrowLeft");
      said.turned = await looked(page);
      await page.screenshot({ path: `${shots}/changes.png`, fullPage: true });
    }
    await page.close();
  }
}
await browser.close();
process.stdout.write(`${JSON.stringify(said)}\n`);
