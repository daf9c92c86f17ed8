// The page in a real browser: node page.js URL PID TOKEN [FOLDER for pictures]. PID is paused and goes on again.
"use strict";
const assert = require("node:assert");
const { chromium } = require("playwright-core");
const axe = require("axe-core");

const [url, pid, token, pictures] = process.argv.slice(2);
const seconds = (since) => (Date.now() - since) / 1000;

async function accessible(page, what) {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => axe.run());
  const found = violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" ")}`);
  assert.deepStrictEqual(found, [], `axe-core on ${what}`);
}

async function main() {
  const executablePath = process.env.CHROMIUM || "/usr/bin/chromium";
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  const faults = [];
  const open = async (options) => {
    const page = await browser.newPage(options);
    page.on("pageerror", (error) => faults.push(error.message));
    page.on("console", (message) => message.type() === "error" && !/401|422/.test(message.text()) && faults.push(message.text()));
    page.on("request", (request) => request.url().startsWith(url) || request.url().startsWith("data:") || faults.push(`loads ${request.url()}`));
    await page.goto(url);
    await page.getByRole("cell", { name: /^stays/ }).waitFor();
    return page;
  };
  for (const width of [1280, 360]) {
    for (const colorScheme of ["light", "dark"]) {
      const page = await open({ viewport: { width, height: 900 }, colorScheme });
      await page.waitForTimeout(1500);
      assert(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `it scrolls sideways at ${width}`);
      await accessible(page, `${width} px, ${colorScheme}`);
      if (pictures) await page.screenshot({ path: `${pictures}/page-${width}-${colorScheme}.png`, fullPage: true });
      await page.close();
    }
  }
  const page = await open({ viewport: { width: 1280, height: 900 } });
  console.log("workers appear, at 1280 and 360 px, light and dark, without an accessibility violation");

  // By the keyboard alone: the panic opens, and its whole text is there.
  const summary = page.locator("#worker-rows summary", { hasText: "out of ink" });
  assert.match(await summary.innerText(), /main\.rs|page\.rs:\d+:\d+ .*out of ink/, "the place comes first");
  await summary.focus();
  await page.keyboard.press("Enter");
  const full = page.locator("#worker-rows pre");
  await full.waitFor({ state: "visible" });
  assert.match(await full.innerText(), /and paper/);
  await page.waitForTimeout(2500);
  assert(await full.isVisible(), "it stays open while the page goes on");
  console.log("a panic is readable");

  assert.strictEqual(await page.getByRole("button", { name: /^stop / }).count(), 0, "no button without the token");
  await page.getByLabel("Token").fill("wrong");
  await page.keyboard.press("Enter");
  await page.getByText("the token is missing or wrong").waitFor();
  assert.strictEqual(await page.getByRole("button", { name: /^stop / }).count(), 0);
  await page.getByLabel("Token").fill(token);
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: /^suspend stays/ }).click();
  await page.getByRole("row", { name: /^stays/ }).getByText("suspended").first().waitFor();
  await page.getByRole("button", { name: /^resume stays/ }).click();
  const runs = () => page.getByRole("row", { name: /^stays/ }).locator('[data-label="Runs"]').innerText();
  const before = Number(await runs());
  await page.getByRole("button", { name: /^restart stays/ }).click();
  for (let look = 0; Number(await runs()) <= before; look += 1) {
    assert(look < 50, `it is restarted: run ${await runs()} after ${before}`);
    await page.waitForTimeout(100);
  }
  await page.getByRole("textbox", { name: "Most" }).fill("many");
  await page.getByRole("button", { name: "Set the policy" }).click();
  await page.getByText("most: invalid digit found in string").waitFor();
  await page.getByRole("textbox", { name: "Most" }).fill("7");
  await page.getByRole("button", { name: "Set the policy" }).click();
  await page.getByText("the policy is set").waitFor();
  await page.getByRole("button", { name: "Pause the frames" }).click();
  await page.getByText("paused", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Step one frame" }).click();
  await page.getByRole("button", { name: "Resume the frames" }).click();
  await page.getByRole("button", { name: /^stop goes/ }).click();
  await page.getByRole("cell", { name: /^goes/ }).waitFor({ state: "detached" });
  await accessible(page, "the page with its buttons");
  console.log("buttons work with the token, and are absent without");

  const paused = Date.now();
  process.kill(Number(pid), "SIGSTOP");
  try {
    await page.getByText(/^No word from the program for/).waitFor({ timeout: 5000 });
    console.log(`a paused program is stale after ${seconds(paused).toFixed(1)} s`);
    assert(seconds(paused) <= 5);
    assert.strictEqual(await page.locator(".pill", { hasText: /^running$/ }).count(), 0, "nothing is shown as running");
    await accessible(page, "the stale page");
    if (pictures) await page.screenshot({ path: `${pictures}/page-stale.png` });
  } finally {
    process.kill(Number(pid), "SIGCONT");
  }
  await page.getByText(/^No word from the program for/).waitFor({ state: "hidden", timeout: 5000 });
  assert.deepStrictEqual(faults, []);
  await browser.close();
}

main().then(() => process.exit(0), (error) => {
  console.error(error);
  process.exit(1);
});
