// Chromium without a window, driven by its debugging protocol over two pipes.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";

export async function startBrowser(program) {
  const profile = mkdtempSync(join(tmpdir(), "mmoe-browser-"));
  const options = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--remote-debugging-pipe", `--user-data-dir=${profile}`, "about:blank",
  ];
  const child = spawn(program, options, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const waiting = new Map(), listeners = new Set();
  let last = 0, rest = "";
  child.stdio[4].setEncoding("utf8").on("data", (data) => {
    const messages = (rest + data).split("\0");
    rest = messages.pop();
    for (const message of messages.map((text) => JSON.parse(text))) {
      if (message.id === undefined) listeners.forEach((listener) => listener(message));
      else waiting.get(message.id)(message);
    }
  });
  const send = async (method, params = {}, sessionId = undefined) => {
    const id = ++last;
    const answer = new Promise((resolve) => waiting.set(id, resolve));
    child.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    const { result, error } = await answer;
    if (error) throw new Error(`${method}: ${error.message}`);
    return result;
  };
  const close = async () => {
    await send("Browser.close").catch(() => {});
    await ended;
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  return { send, listeners, close };
}

// A page with what a person does: clicks, keys, a file that is dropped.
export class Page {
  static async open(browser, url, size = { width: 1180, height: 860 }) {
    const { targetId } = await browser.send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await browser.send("Target.attachToTarget", { targetId, flatten: true });
    const page = new Page();
    page.send = (method, params) => browser.send(method, params, sessionId);
    page.requests = [];
    page.errors = [];
    page.nextChooser = null;
    browser.listeners.add(({ method, params, sessionId: from }) => {
      if (from !== sessionId) return;
      if (method === "Network.requestWillBeSent") page.requests.push(params.request.url);
      if (method === "Runtime.exceptionThrown") page.errors.push(params.exceptionDetails.exception?.description);
      if (method === "Log.entryAdded" && params.entry.level === "error") page.errors.push(params.entry.text);
      if (method === "Page.fileChooserOpened") page.nextChooser?.(params.backendNodeId);
    });
    for (const domain of ["Page", "Runtime", "Network", "Log", "DOM"]) await page.send(`${domain}.enable`);
    await page.resize(size);
    await page.send("Page.setInterceptFileChooserDialog", { enabled: true });
    await page.send("Page.navigate", { url });
    await page.until("performance.getEntriesByName('ready').length > 0");
    return page;
  }

  resize({ width, height }) {
    return this.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false });
  }

  async evaluate(expression) {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", {
      expression, returnByValue: true, awaitPromise: true,
    });
    assert.equal(exceptionDetails, undefined, JSON.stringify(exceptionDetails));
    return result.value;
  }

  async until(condition) {
    for (let i = 0; i < 400; ++i) {
      if (await this.evaluate(`Boolean(${condition})`)) return;
      await setTimeout(25);
    }
    assert.fail(`never: ${condition}; errors: ${this.errors.join("; ")}`);
  }

  text(selector) {
    return this.evaluate(`document.querySelector(${JSON.stringify(selector)}).textContent`);
  }

  // Where a share of an element's width is, in the window.
  async placeOf(selector, share = 0.5) {
    const found = await this.evaluate(`(() => {
      const element = document.querySelector(${JSON.stringify(selector)});
      element.scrollIntoView({ block: "center" });
      const { left, top, width, height } = element.getBoundingClientRect();
      return { x: left + width * ${share}, y: top + height / 2, seen: width > 0 && height > 0 };
    })()`);
    assert.ok(found.seen, `${selector} is not seen`);
    return found;
  }

  async click(selector, share) {
    const { x, y } = await this.placeOf(selector, share);
    for (const type of ["mouseMoved", "mousePressed", "mouseReleased"]) {
      await this.send("Input.dispatchMouseEvent", { type, x, y, button: "left", clickCount: 1 });
    }
  }

  async drag(selector, from, to) {
    const start = await this.placeOf(selector, from), end = await this.placeOf(selector, to);
    const at = (type, { x, y }) =>
      this.send("Input.dispatchMouseEvent", { type, x, y, button: "left", buttons: 1, clickCount: 1 });
    await at("mousePressed", start);
    await at("mouseMoved", { x: (start.x + end.x) / 2, y: end.y });
    await at("mouseMoved", end);
    await at("mouseReleased", end);
  }

  async press(key, code = key, virtualKey = 0, text = undefined) {
    const event = { key, code, windowsVirtualKeyCode: virtualKey, text };
    await this.send("Input.dispatchKeyEvent", { type: "keyDown", ...event });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", ...event });
  }

  async type(text) {
    for (const character of text) await this.press(character, "", 0, character);
  }

  // Opens the chooser by `action`, and chooses the file there.
  async choose(action, path) {
    const chooser = new Promise((resolve) => (this.nextChooser = resolve));
    await action();
    const backendNodeId = await chooser;
    await this.send("DOM.setFileInputFiles", { files: [path], backendNodeId });
  }

  async drop(path) {
    const data = { items: [], files: [path], dragOperationsMask: 1 };
    for (const type of ["dragEnter", "dragOver", "drop"]) {
      await this.send("Input.dispatchDragEvent", { type, x: 300, y: 400, data });
    }
  }

  colours(scheme) {
    return this.send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
  }

  async screenshot(path, full = false) {
    const { data } = await this.send("Page.captureScreenshot", { captureBeyondViewport: full, ...(full && {
      clip: { ...(await this.send("Page.getLayoutMetrics")).cssContentSize, scale: 1 },
    }) });
    writeFileSync(path, Buffer.from(data, "base64"));
  }
}
