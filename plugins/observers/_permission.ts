/** The checks that observers make before a run. @module */
import { PermissionError } from "../../core/mod.ts";

/** Refuses unless reading and writing are already allowed, so that a run never stops at a question. */
export async function needAccess(observer: string, path: string): Promise<void> {
  const missing: string[] = [];
  for (const name of ["read", "write"] as const) {
    const { state } = await Deno.permissions.query({ name, path });
    if (state !== "granted") missing.push(`--allow-${name}=${path}`);
  }
  if (missing.length === 0) return;
  throw new PermissionError(
    `${observer} needs a permission that this program does not have: run it with ${missing.join(" ")}.`,
  );
}
