/** What figures were measured on. @module */
import { currentBackend } from "../mod.ts";
import deno from "../deno.json" with { type: "json" };

/** What figures were measured on. */
export interface Machine {
  /** What the processor calls itself. */
  readonly processor: string;
  /** Processors that threads can run on. */
  readonly cores: number;
  /** Operating system and architecture. */
  readonly system: string;
  /** The backend. */
  readonly backend: string;
  /** Who does products. */
  readonly blas: string;
  /** Threads. */
  readonly threads: number;
  /** Instruction set of the kernels. */
  readonly instructions: string;
  /** Version of this package. */
  readonly version: string;
  /** Version of Deno. */
  readonly deno: string;
  /** When the measuring began. */
  readonly began: string;
}

/** What the processor calls itself; a process of its own may read it where this one may not. */
function processor(): string {
  const script = `console.log(Deno.readTextFileSync("/proc/cpuinfo"))`;
  try {
    const { stdout } = new Deno.Command("deno", { args: ["eval", script], stderr: "null" }).outputSync();
    const text = new TextDecoder().decode(stdout);
    const field = (name: string) => new RegExp(`^${name}\\s*:\\s*(.*)$`, "m").exec(text)?.[1];
    const name = field("model name");
    if (name === undefined) return "unknown processor";
    const family = field("cpu family");
    return family === undefined ? name : `${name} (family ${family}, model ${field("model")})`;
  } catch {
    return "unknown processor";
  }
}

/** What runs here. */
export function machine(): Machine {
  const { name, ...info } = currentBackend().info();
  return {
    processor: processor(),
    cores: navigator.hardwareConcurrency,
    system: `${Deno.build.os} ${Deno.build.arch}`,
    backend: name,
    blas: info.blas,
    threads: info.threads,
    instructions: info.instructions,
    version: deno.version,
    deno: Deno.version.deno,
    began: new Date().toISOString(),
  };
}
