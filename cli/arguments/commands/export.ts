/** What `export` understands. @module */
import type { CommandHelp } from "../command.ts";
import { runName } from "../shared_options.ts";

/** Exports. */
export const exportCommand: CommandHelp = {
  name: "export",
  summary: "Writes a trained model as a file that other programs read.",
  options: [
    { name: "run", value: "DIR", meaning: "the folder of a finished run; must be given" },
    runName,
    {
      name: "format",
      value: "NAME",
      meaning:
        '"onnx" (default operators at version 17), "pytorch" (weights under PyTorch\'s names in a safetensors file), or ' +
        '"safetensors" (a model of this library, with what evaluation multiplies by in its weights)',
      default: "onnx",
    },
    {
      name: "out",
      value: "FILE",
      meaning: "the file to write",
      default:
        "model.onnx, model.pytorch.safetensors or model.folded.safetensors in the run's folder; with --thinned " +
        "thinned-STEP-EXAMPLE and the same ends",
    },
    {
      name: "thinned",
      value: "STEP:EXAMPLE",
      meaning:
        "in place of the whole net, the subnet that this place of the batch met in this step of training: smaller, and " +
        "without anything random; its weights are those of the end",
    },
    { name: "monte-carlo", meaning: "for onnx: draw masks anew at each run, in place of evaluating" },
    {
      name: "preprocessing",
      meaning: "for onnx: scale inputs, and give targets their units, in the file, as the data set did",
    },
  ],
  examples: [
    ["export --run runs/mine", "writes runs/mine/model.onnx"],
    ["export --run runs/mine --monte-carlo --out draws.onnx", "another mask at each run, for uncertainty elsewhere"],
    ["export --run runs/mine --format pytorch", "for load_state_dict in PyTorch"],
    ["export --run runs/mine --format safetensors --thinned 500:7", "one of the nets that dropout has trained"],
  ],
  notes: [
    "The batch may have any size. Inputs are called input, outputs output, or as a graph at the root calls them; outputs are " +
    "the model's: logits where it was trained with cross-entropy.",
    "Batch norm and factors of classic dropout go into the weights where nothing stands between; what is left is told. A " +
    "layer or variant that cannot be exported is named, and nothing is written.",
  ],
};
