/** The playground's page as a file, made as its users make it. @module */
import { assertEquals } from "@std/assert";
import { cli, inFolder } from "../_run.ts";

/** The page's text. */
export async function writtenPage(): Promise<string> {
  let page = "";
  await inFolder(async (folder) => {
    const file = `${folder}/playground.html`;
    const permissions = ["--unstable-bundle", "--allow-read", "--allow-write"];
    const { status, out, err } = await cli(["play", "--write", file, "--json"], permissions);
    assertEquals(status, 0, err);
    page = await Deno.readTextFile(file);
    assertEquals(JSON.parse(out), { file, bytes: new TextEncoder().encode(page).length });
  });
  return page;
}

/** What stands in an element of the page. */
export function partOf(page: string, id: string): string {
  const [, text] = page.match(new RegExp(`<script type="[a-z/]+" id="${id}">([^]*?)</script>`))!;
  return text;
}
