/**
 * How things show themselves in a notebook: in Deno's Jupyter kernel, what ends a cell and has a method under
 * `Symbol.for("Jupyter.display")` is shown as that method says.
 *
 * https://docs.deno.com/runtime/reference/cli/jupyter/
 *
 * @module
 */

/** The name of the method that a notebook calls. */
export const jupyterDisplay: unique symbol = Symbol.for("Jupyter.display") as never;

/** The same thing in several forms, by media type, of which a notebook shows the richest that it can: see {@linkcode jupyterDisplay}. */
export type DisplayBundle = Readonly<Record<string, string>>;

/** What a cell of a notebook can be made to show, besides its result. */
export interface Notebook {
  /**
   * Shows something below the cell that runs, or in the place of what was shown before under the same name.
   *
   * @param id a name of its own
   * @param bundle what is shown
   */
  show(id: string, bundle: DisplayBundle): Promise<void>;
}

/** What Deno offers in its Jupyter kernel. */
interface Kernel {
  broadcast(type: string, content: Record<string, unknown>): Promise<void>;
}

/** What Deno offers; elsewhere than in its Jupyter kernel looking at it throws. */
function currentKernel(): Kernel | undefined {
  try {
    return (Deno as unknown as { jupyter?: Kernel }).jupyter;
  } catch {
    return undefined;
  }
}

/** The notebook that this program runs in; undefined elsewhere. */
export function currentNotebook(): Notebook | undefined {
  const kernel = currentKernel();
  return kernel && notebookOf(kernel);
}

/** A notebook that is shown things by a kernel. */
export function notebookOf(kernel: Kernel): Notebook {
  const shown = new Set<string>();
  return {
    async show(id, data) {
      const type = shown.has(id) ? "update_display_data" : "display_data";
      shown.add(id);
      await kernel.broadcast(type, { data, metadata: {}, transient: { display_id: id } });
    },
  };
}

/** Text as it stands in HTML. */
export function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
