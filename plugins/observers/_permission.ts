/** The check that observers make before a run. @module */
import { PermissionError } from "../../core/mod.ts";

/** Refuses unless writing is already allowed, so that a run never stops at a question. */
export async function needWrite(observer: string, path: string): Promise<void> {
  const { state } = await Deno.permissions.query({ name: "write", path });
  if (state === "granted") return;
  throw new PermissionError(
    `${observer} needs a permission that this program does not have: run it with --allow-write=${path}.`,
  );
}
