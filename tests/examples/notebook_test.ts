/** The notebook in examples/, run from its first cell to its last by Jupyter, where that is installed. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { inFolder } from "../cli/_run.ts";

const root = new URL("../../", import.meta.url).pathname;
const notebook = `${root}examples/first-notebook.ipynb`;

/** A cell of a notebook's file, as far as it is looked at. */
interface Cell {
  readonly cell_type: "code" | "markdown";
  readonly source: readonly string[];
  readonly outputs?: readonly {
    output_type: string;
    data?: Record<string, string | readonly string[]>;
    evalue?: string;
  }[];
}

async function cellsOf(path: string): Promise<Cell[]> {
  return JSON.parse(await Deno.readTextFile(path)).cells;
}

async function isInstalled(program: string): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" }).output()).success;
  } catch {
    return false;
  }
}

const converter = "jupyter-nbconvert";
const installed = await isInstalled(converter);
if (!installed) {
  console.warn(
    `The notebook is not run: ${converter} is not installed (apt-get install jupyter-client jupyter-nbconvert).`,
  );
}

Deno.test("the notebook is kept without outputs, and begins with a cell that may be lost", async () => {
  const code = (await cellsOf(notebook)).filter(({ cell_type }) => cell_type === "code");
  for (const { source, outputs } of code) assertEquals(outputs, [], source.join(""));
  assertEquals(code[0].source, ["Deno.version.deno;"]);
});

Deno.test({
  name: "every cell of the notebook runs, and tensors, models, progress and results show themselves",
  ignore: !installed,
  async fn() {
    await inFolder(async (folder) => {
      const kernel = { argv: [Deno.execPath(), "jupyter", "--kernel", "--conn", "{connection_file}"] };
      await Deno.mkdir(`${folder}/kernels/thinned`, { recursive: true });
      const spec = { ...kernel, display_name: "Deno", language: "typescript" };
      await Deno.writeTextFile(`${folder}/kernels/thinned/kernel.json`, JSON.stringify(spec));
      const run = new Deno.Command(converter, {
        args: [
          ...["--to", "notebook", "--execute", "--ExecutePreprocessor.kernel_name=thinned"],
          ...["--output-dir", folder, "--output", "executed.ipynb", notebook],
        ],
        env: { JUPYTER_PATH: folder, NO_COLOR: "1" },
        stdout: "piped",
        stderr: "piped",
      });
      const { success, stderr } = await run.output();
      assert(success, new TextDecoder().decode(stderr));
      const outputs = (await cellsOf(`${folder}/executed.ipynb`)).flatMap(({ outputs }) => outputs ?? []);
      const shown = outputs.map(({ data }) => [data?.["text/html"] ?? ""].flat().join(""));
      // The kernel now and then sends a result after it has said that its cell is done, and Jupyter then drops it: only what
      // cells show themselves is sure to be there.
      for (const name of ["without dropout", "with dropout"]) {
        const progress = shown.filter((html) => html.startsWith("<div") && html.includes(`>${name}  ·  20 epochs<`));
        assertEquals(progress.length, 1, `one output for ${name}, changed in place`);
        assertStringIncludes(progress[0], '<progress value="400" max="400"');
        assertStringIncludes(progress[0], "<svg ");
      }
      const scores = shown.find((html) => html.includes("negative log-likelihood"))!;
      const [without, , averaged] = [...scores.matchAll(/<td>([\d.]+)<\/td><\/tr>/g)].map(([, text]) => Number(text));
      assert(averaged < without, scores);
      assert(shown.filter((html) => html.includes('<img alt="Tensor [')).length >= 4, "pictures of tensors");
    });
  },
});
