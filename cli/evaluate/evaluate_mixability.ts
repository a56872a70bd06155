/** `evaluate --mixability N`: what becomes of a trained net as units are removed. @module */
import { mixability, OptionError, type Split } from "../../mod.ts";
import type { Outcome } from "../arguments/deliver.ts";
import type { OpenedRun } from "../run/open_run.ts";
import type { Arguments } from "../arguments/read_arguments.ts";
import { table } from "../print/table.ts";

/** Pairs of units that a person is shown. */
const SHOWN = 10;

/** Options that say how predictions are made or judged, of which mixability knows nothing. */
const others = ["samples", "foreign", "bins", "noise", "laplace"];

/**
 * Random subsets for each share, as `--mixability` says; undefined where it is not given.
 *
 * @throws {OptionError} for an option that means nothing beside it
 */
export function drawsOf(given: Arguments): number | undefined {
  const draws = given.whole("mixability", 2);
  const other = draws === undefined ? undefined : others.find((name) => given.value(name) !== undefined);
  if (other === undefined) return draws;
  throw new OptionError(`--${other}`, "nothing beside --mixability", given.value(other));
}

/** Which examples and subsets. */
export interface MixabilityArguments {
  /** Random subsets for each share. */
  readonly draws: number;
  /** Which subsets. */
  readonly seed: number;
  /** The examples. */
  readonly split: Split;
  /** What they are called. */
  readonly part: string;
}

/** Measures the mixability of a run's model. */
export function evaluateMixability(opened: OpenedRun, { draws, seed, split, part }: MixabilityArguments): Outcome {
  const { members, dataset, loss, name } = opened;
  if (members.length > 1) throw new OptionError("--mixability", "a single run or member", `the ensemble ${name}`);
  const [{ model, progress }] = members;
  const found = mixability(model, dataset, { draws, seed, split, loss, progress });
  const classes = dataset.classes > 0;
  const error = (value: number) => classes ? `${(100 * value).toFixed(2)} %` : value.toPrecision(4);
  const examples = Math.min(split.count, 2000);
  const curve = found.curve.map(({ removed, error: of, loss }) => [
    `${(100 * removed).toFixed(1)} %`,
    error(of.mean),
    error(of.standardError),
    loss.mean.toFixed(4),
    loss.standardError.toFixed(4),
  ]);
  const pairs = found.pairs.slice(0, SHOWN).map(({ layer, units, alone, both, interaction }) => [
    layer === "" ? "the model" : layer,
    units.join(", "),
    ...[...alone, both, interaction].map((value) => value.toPrecision(3)),
  ]);
  const units = found.layers.map(({ path, units }) => `${units} of ${path === "" ? "the model" : path}`).join(", ");
  return {
    json: { dataset: dataset.name, run: name, part, examples, seed, mixability: found },
    text: [
      `${name} on ${dataset.name}, ${examples.toLocaleString("en")} ${part} examples; hidden units: ${units}`,
      table(curve, ["removed", "error", "±", "loss", "±"]),
      `By the mean over these shares, the error is ${error(found.area.error)} above that of the whole net, the loss ` +
      `${found.area.loss.toFixed(4)} (± is the standard error over ${draws} subsets).`,
      "pairs of units that depend on each other most, by what the loss grows:",
      table(pairs, ["layer", "units", "without the first", "without the second", "without both", "interaction"]),
    ].join("\n\n") + "\n",
  };
}
