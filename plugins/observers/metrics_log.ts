/** The observer `metrics-log`. @module */
import { z } from "zod";
import { definePlugin, type EpochMetrics, type Factory, pathOption, ThinnedError } from "../../core/mod.ts";
import { needAccess } from "./_permission.ts";

/** Options of {@linkcode metricsLog}. */
export interface MetricsLogOptions {
  /** The file, by custom `metrics.jsonl`. Its folder is made if it does not exist. */
  path: string;
}

/**
 * Writes the metrics of each epoch as one line of JSON; a number that JSON does not have, such as NaN, becomes null. A
 * resumed run keeps the lines of the epochs done and drops those after them, so that its file is that of a run never
 * stopped, but for the times. A new run begins the file anew.
 *
 * A run throws `PermissionError` without permission to read and write the file, and `ThinnedError` when it cannot be written or
 * its name is that of a symbolic link, which is not followed.
 *
 * @example
 * ```ts
 * import { crossEntropy, dense, digits, fit, metricsLog, sgd } from "@thinned/dropout";
 *
 * const path = `${await Deno.makeTempDir()}/metrics.jsonl`;
 * await fit(dense(10), {
 *   data: digits({ train: 200, test: 100 }), loss: crossEntropy(), optimizer: sgd(), epochs: 2,
 *   observers: [metricsLog({ path })],
 * });
 * const [first, second] = (await Deno.readTextFile(path)).trim().split("\n").map((line) => JSON.parse(line));
 * console.log(first.testError, second.testError);
 * ```
 */
export const metricsLog: Factory<"observer", MetricsLogOptions> = definePlugin({
  name: "metrics-log",
  summary: "Writes the metrics of each epoch as one line of JSON.",
  options: z.object({
    path: pathOption("file").describe("the file"),
  }),
  async observe({ options: { path } }) {
    await write(path, "", true); // finds out now, not after an epoch, when it cannot be written
    let begun = false;
    // What a file left by an earlier process holds does not matter: the run's own history says what belongs in it.
    const begin = async (history: readonly EpochMetrics[]): Promise<void> => {
      begun = true;
      await write(path, history.map(line).join(""), false);
    };
    return {
      async epoch({ snapshot, ...metrics }) {
        if (begun) await write(path, line(metrics), true);
        else await begin(snapshot().progress.history);
      },
      async end({ history }) {
        if (!begun && history.length > 0) await begin(history);
      },
    };
  },
});

function line(metrics: EpochMetrics): string {
  return JSON.stringify(metrics) + "\n";
}

/** Writes to the end of the file, or over all of it; never through a symbolic link. */
async function write(path: string, text: string, append: boolean): Promise<void> {
  await needAccess("metrics-log", path);
  try {
    if (await isLink(path)) throw new ThinnedError(`metrics-log: ${path}: expected a file, found a symbolic link.`);
    await Deno.writeTextFile(path, text, { append }).catch(async (error) => {
      const folder = /^(.*)[/\\]/.exec(path)?.[1];
      if (!(error instanceof Deno.errors.NotFound) || !folder) throw error;
      await needAccess("metrics-log", folder);
      await Deno.mkdir(folder, { recursive: true });
      await Deno.writeTextFile(path, text, { append });
    });
  } catch (error) {
    if (error instanceof ThinnedError) throw error;
    throw new ThinnedError(`metrics-log: ${path} cannot be written: ${(error as Error).message}.`, { cause: error });
  }
}

async function isLink(path: string): Promise<boolean> {
  try {
    return (await Deno.lstat(path)).isSymlink;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
