/** Which backend a study runs on. @module */
import { OptionError } from "../mod.ts";
import type { StudyArguments, StudyOption } from "./study.ts";

/** The option that says it. */
export const backendOption: StudyOption = {
  name: "backend",
  value: "NAME",
  meaning: '"native" (C) or "reference" (TypeScript, slow)',
  default: "the best there is",
};

/**
 * What it says.
 *
 * @throws {OptionError} for the name of no backend
 */
export function backendOf(given: StudyArguments): "native" | "reference" | undefined {
  const name = given.value(backendOption.name);
  if (name === undefined || name === "native" || name === "reference") return name;
  throw new OptionError("--backend", '"native" or "reference"', name);
}
