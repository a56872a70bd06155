/** A real browser for tests of pages: Debian's Chromium, or Chrome, driven through puppeteer. @module */
import type { Browser, Page } from "puppeteer-core";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** Where the browser's program is; undefined where there is none. */
export const chromium: string | undefined = (Deno.env.get("PATH") ?? "").split(":")
  .flatMap((folder) => names.map((name) => `${folder}/${name}`)).find(isFile);

/** What a test of pages is: run where there is a browser, and skipped with its reason in its name where there is none. */
export function browserTest(name: string, body: () => Promise<void>): void {
  const why = chromium === undefined ? " (skipped: needs Chromium: apt-get install chromium)" : "";
  Deno.test({ name: name + why, ignore: chromium === undefined, fn: body });
}

/** How a page is opened. */
export interface PageOptions {
  /** Width of the window, in CSS pixels. Default 1280. */
  readonly width?: number;
  /** What the person prefers. Default "light". */
  readonly theme?: "light" | "dark";
  /** Whether the page is allowed to complain, as where a refusal is tested. Default false. */
  readonly mayComplain?: boolean;
}

/** A browser in which pages are opened; it ends with the test. */
export class Chromium implements AsyncDisposable {
  readonly #browser: Browser;
  readonly #folder: string;
  readonly #complaints: string[] = [];

  private constructor(browser: Browser, folder: string) {
    this.#browser = browser;
    this.#folder = folder;
  }

  /** Starts the browser, with a profile of its own. */
  static async launch(): Promise<Chromium> {
    const { default: puppeteer } = await import("puppeteer-core");
    const folder = await Deno.makeTempDir({ prefix: "chromium-" });
    const browser = await puppeteer.launch({
      executablePath: chromium!,
      userDataDir: folder,
      // No sandbox: it cannot be had as root, and only pages of this repository are opened.
      args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"],
      env: { HOME: folder, PATH: Deno.env.get("PATH") ?? "" },
    });
    return new Chromium(browser, folder);
  }

  /** Opens a page and waits until it has loaded. What it writes to the console as an error is a complaint. */
  async open(url: string, options: PageOptions = {}): Promise<Page> {
    const { width = 1280, theme = "light", mayComplain = false } = options;
    const page = await this.#browser.newPage();
    await page.setViewport({ width, height: 900, deviceScaleFactor: 1 });
    await page.emulateMediaFeatures([
      { name: "prefers-color-scheme", value: theme },
      { name: "prefers-reduced-motion", value: "reduce" },
    ]);
    if (!mayComplain) {
      page.on("console", (message) => {
        if (message.type() === "error" || message.type() === "warn") this.#complaints.push(message.text());
      });
      page.on("pageerror", (error) => this.#complaints.push(String(error)));
      page.on("requestfailed", (request) => {
        // A stream that is given up when its page is left has not failed.
        if (request.resourceType() !== "eventsource") this.#complaints.push(`${request.url()} could not be had`);
      });
    }
    await page.goto(url, { waitUntil: "load" });
    return page;
  }

  /** What pages have written to the console as errors or warnings, and what they threw. */
  get complaints(): readonly string[] {
    return this.#complaints;
  }

  /** Ends the browser. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
    await Deno.remove(this.#folder, { recursive: true }).catch(() => {});
  }
}

/** By how many CSS pixels a page is wider than its window. */
export async function overhang(page: Page): Promise<number> {
  return await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") as number;
}

/**
 * What axe-core finds wrong with a page for people with disabilities, serious or worse: rule and element, a line each.
 *
 * @param rules the rules to look at; without them, all
 */
export async function barriers(page: Page, rules?: readonly string[]): Promise<string[]> {
  const options = rules === undefined ? {} : { runOnly: rules };
  const { default: axe } = await import("axe-core");
  await page.evaluate(axe.source);
  return await page.evaluate(`axe.run(${JSON.stringify(options)}).then(({ violations }) => violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => id + ": " + target + ": " + failureSummary)))`) as string[];
}

/** Whether there is a file. */
function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
