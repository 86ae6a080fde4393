// A real browser for tests of the pages: everything that it sends is recorded, what it complains of is collected,
// and pages are held against WCAG by axe.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { AxeResults } from "axe-core";
import {
  type Browser,
  type BrowserContext,
  chromium,
  type Page,
  type Request,
} from "playwright-core";
import { CHROMIUM_ARGUMENTS, chromiumPath } from "../../scripts/chromium.ts";

export interface Sent {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
}

export interface Look {
  readonly locale?: string;
  readonly width?: number;
  readonly height?: number;
  readonly scheme?: "light" | "dark";
}

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const WAIT_MS = 20_000;
/** Rules that any page of ours has something for. */
const LEAST_PASSES = 10;
const PICTURES = process.env.HUSHWATT_PICTURES;
/** What a browser says by itself when somebody does not answer: told apart from what the pages do wrong. */
const NO_ANSWER = /Failed to load resource|net::ERR_/;

export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: chromiumPath(), args: CHROMIUM_ARGUMENTS });

export class Visitor {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly sent: Sent[] = [];
  /** What is wrong with the pages, in the browser's words. */
  readonly complaints: string[] = [];

  private constructor(context: BrowserContext, page: Page) {
    this.context = context;
    this.page = page;
    context.on("request", (request) => this.#record(request));
    page.on("pageerror", (error) => this.complaints.push(String(error)));
    page.on("console", (message) => {
      const text = message.text();
      if (message.type() === "error" && !NO_ANSWER.test(text)) this.complaints.push(text);
    });
  }

  static async open(browser: Browser, look: Look = {}): Promise<Visitor> {
    const context = await browser.newContext({
      locale: look.locale ?? "en-GB",
      timezoneId: "Europe/Brussels",
      colorScheme: look.scheme ?? "light",
      viewport: { width: look.width ?? 1100, height: look.height ?? 800 },
    });
    context.setDefaultTimeout(WAIT_MS);
    return new Visitor(context, await context.newPage());
  }

  #record(request: Request): void {
    this.sent.push({
      method: request.method(),
      url: request.url(),
      headers: request.headers(),
      body: request.postDataBuffer(),
    });
  }

  /** What is wrong with the page as it is now, one line for each violation. */
  async violations(): Promise<string[]> {
    await this.page.evaluate(AXE);
    const { violations, passes } = await this.page.evaluate(async (values): Promise<AxeResults> => {
      const { axe } = globalThis as unknown as { axe: typeof import("axe-core") };
      return axe.run({ runOnly: { type: "tag", values } });
    }, RULES);
    if (passes.length < LEAST_PASSES) throw new Error("axe has found next to nothing to look at");
    return violations.flatMap(({ id, help, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id}: ${help}: ${target}: ${failureSummary}`),
    );
  }

  /** Of the whole page, for the docs, where asked for by HUSHWATT_PICTURES=folder. */
  async picture(name: string, fullPage = false): Promise<void> {
    if (PICTURES === undefined) return;
    const path = join(PICTURES, `${name}.png`);
    await this.page.screenshot({ path, fullPage, animations: "disabled" });
  }

  async look({ width = 1100, height = 800, scheme = "light" }: Look): Promise<void> {
    await this.page.setViewportSize({ width, height });
    await this.page.emulateMedia({ colorScheme: scheme });
  }

  close(): Promise<void> {
    return this.context.close();
  }
}
