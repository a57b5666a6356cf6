// Opens a report in a real Chromium, light and dark, wide and at a phone's width; prints what it saw as JSON.
// Arguments: Chromium, the page's URL, a folder for screenshots.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const [program, url, shots] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox"] });
const said = { requests: [], errors: [], dialogs: 0, axe: {}, overflow: {}, seen: {} };

for (const [scheme, width] of [["light", 1200], ["dark", 1200], ["light", 360]]) {
  const context = await browser.newContext({ colorScheme: scheme, viewport: { width, height: 900 } });
  const page = await context.newPage();
  page.on("request", (request) => { if (!request.url().startsWith("data:")) said.requests.push(request.url()); });
  page.on("console", (message) => { if (message.type() === "error") said.errors.push(message.text()); });
  page.on("pageerror", (error) => said.errors.push(String(error)));
  page.on("dialog", (dialog) => { said.dialogs += 1; dialog.dismiss(); });
  await page.goto(url);
  const name = `${scheme}-${width}`;
  said.overflow[name] = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  said.axe[name] = await page.evaluate(`(() => { ${axe}; return axe.run().then((r) => r.violations.map((v) => v.id + ": " + v.nodes[0].html.slice(0, 160))); })()`);
  said.seen[name] = await page.evaluate(() => ({
    notice: document.querySelector(".notice")?.textContent,
    figures: document.querySelectorAll("figure svg[role=img]").length,
    broken: [...document.images].filter((image) => !image.naturalWidth).length,
    images: document.images.length,
    text: parseFloat(getComputedStyle(document.querySelector("figure svg text")).fontSize)
      * document.querySelector("figure .panel svg").getBoundingClientRect().width / 340,
    ground: getComputedStyle(document.body).backgroundColor,
    ink: getComputedStyle(document.querySelector("figure svg text")).fill,
  }));
  await page.screenshot({ path: `${shots}/${name}.png`, fullPage: true });
  await context.close();
}
await browser.close();
process.stdout.write(JSON.stringify(said));
