/** What is checked of a release: each check accepts what is right and names what is wrong. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import * as checks from "../../release/checks.ts";

const changelog = "# Changelog\n\n## 1.2.0 - 2026-01-31\n\n- News.\n\n## 1.1.0 - 2026-01-01\n";

Deno.test("a version has to be the same everywhere, and the first in the change log", () => {
  assertEquals(checks.versionProblems("1.2.0", "1.2.0", changelog), []);
  assertEquals(checks.versionProblems("1.2.0", "1.1.0", changelog).length, 1);
  const [early] = checks.versionProblems("1.1.0", "1.1.0", changelog);
  assertEquals(
    early,
    'CHANGELOG.md: expected the first heading "## 1.1.0 - YEAR-MONTH-DAY", found "## 1.2.0 - 2026-01-31".',
  );
  assertEquals(checks.versionProblems("1.2.0", "1.2.0", "# Changelog\n\n## Unreleased\n").length, 1);
  assertEquals(checks.versionProblems("1.2.0", "1.2.0", "").length, 1);
  assertMatch(checks.versionProblems("1.2", "1.2", "")[0], /expected a semantic version, found "1\.2"/);
});

Deno.test("all files have to begin with the same version of Deno", () => {
  const files = (ci: string) => new Map([["README.md", "npx -y deno@2.9.6 task train"], [".ci/run", ci]]);
  assertEquals(checks.denoProblems(files("npx -y deno@2.9.6 task")), []);
  assertEquals(checks.denoProblems(files("npx -y deno@2.9.5 task")), [
    ".ci/run: expected deno@2.9.6, as in README.md, found deno@2.9.5.",
  ]);
  assertEquals(checks.denoProblems(new Map()).length, 1);
});

Deno.test("the licence has to be in the package and the one that is named", () => {
  assertEquals(checks.licenceProblems({ license: "MIT" }, new Map([["LICENSE", "MIT License\n\n"]])), []);
  assertEquals(checks.licenceProblems({ license: "MIT" }, new Map([["LICENSE", "Apache License\n\n"]])).length, 1);
  assertEquals(checks.licenceProblems({ license: "MIT" }, new Map()).length, 1);
});

Deno.test("every export has to be published", () => {
  const exports = { ".": "./mod.ts", "./cli": "./cli/mod.ts" };
  assertEquals(checks.exportProblems({ exports }, new Map([["mod.ts", ""], ["cli/mod.ts", ""]])), []);
  const [problem] = checks.exportProblems({ exports }, new Map([["mod.ts", ""]]));
  assertStringIncludes(problem, 'the export "./cli"');
});

Deno.test("no path of a machine may be published, nor a copy of the standard library be named", () => {
  const problems = (text: string) => checks.pathProblems(new Map([["core/mod.ts", `// one\n${text}`]]));
  for (const text of ["https://jsr.io/tmp/a", "`${work}/root/usr`", "a / home", "file://${path}"]) {
    assertEquals(problems(text), [], text);
  }
  for (const text of ['"/home/someone/a.ts"', "see /tmp/a", "/root/.cache", "file:///x/y", '"npm:deno-std@1/csv"']) {
    assertEquals(problems(text).length, 1, text);
    assertStringIncludes(problems(text)[0], "core/mod.ts:2: expected");
  }
});

Deno.test("the registry takes less than 20 MB, and no names that differ in case alone", () => {
  assertEquals(checks.registryProblems(new Map([["a.ts", "x"], ["b.ts", "y"]])), []);
  assertEquals(checks.registryProblems(new Map([["a.ts", "x"], ["A.ts", "y"]])).length, 1);
  assertEquals(checks.registryProblems(new Map([["a.ts", "é".repeat(10 << 20)]])), [
    "expected less than 20 MB, found 20.0 MB.",
  ]);
});

Deno.test("both maps of bare names have to hold the same names, each at its official home in a release", () => {
  const official = { "@std/csv": "jsr:@std/csv@^1.0.0", zod: "npm:zod@4.6.7" };
  assertEquals(checks.importProblems(official, { "@std/csv": "npm:a", zod: "npm:zod@4.6.7" }), []);
  assertEquals(checks.importProblems(official, { zod: "npm:zod@4.6.7" }), [
    'deno.json: expected an entry for "@std/csv".',
  ]);
  assertEquals(checks.importProblems({ zod: official.zod }, { ...official }), [
    'release/imports.json: expected an entry for "@std/csv".',
  ]);
  assertEquals(checks.importProblems({ "@std/csv": "npm:csv@1" }, { "@std/csv": "npm:a" }).length, 1);
});
