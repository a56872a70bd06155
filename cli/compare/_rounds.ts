/** Running the rounds of a comparison, each training once, whoever stops it in between. @module */
import { type Dataset, holdBack, type Registry } from "../../mod.ts";
import type { Config } from "../configuration/config.ts";
import { type ConfiguredRun, configuredRun } from "../configuration/configured_run.ts";
import { folderOfRun, identityOf, type RunDirectory } from "../run/run_directory.ts";
import { type Round, type Standing, survivors } from "./_halving.ts";
import { type Comparison, type Trained, writeComparison } from "./_kept.ts";
import type { Progress } from "./_progress.ts";
import { configOf, type Net, runName, settingsOf } from "./_runs.ts";
import { train } from "./_train.ts";
import { NONE } from "./_variants.ts";

/** What the rounds need. */
export interface Host {
  /** The folder of the comparison, locked. */
  readonly directory: RunDirectory;
  /** The plugins that the configuration knows. */
  readonly registry: Registry;
  /** The data, without a validation part that is held back. */
  readonly dataset: Dataset;
  /** Told how far they have come. */
  readonly progress: Progress;
  /** Stops them after a step. */
  readonly signal: AbortSignal;
}

/** Where a comparison has come to. */
export interface Standings {
  /** The comparison with all that was trained. */
  readonly comparison: Comparison;
  /** The variants, one net each, that came to the last round; undefined when it has not. */
  readonly finalists?: readonly Net[];
  /** Whether all is trained. */
  readonly complete: boolean;
}

/** All nets of the first round, the one without dropout first. */
export function allNets({ variants }: Pick<Comparison, "variants">): Net[] {
  const settings = variants.map((variant) =>
    Array.from({ length: settingsOf(variant) }, (_, setting) => ({ variant: variant.name, setting }))
  );
  return [{ variant: NONE, setting: 0 }, ...settings.flat()];
}

/** The results of one round, of the nets that were in it. */
export function resultsOf({ results }: Comparison, round: number): Trained[] {
  return results.filter((result) => result.round === round + 1);
}

/** The nets that go on after a round, the one without dropout first. */
export function nextNets(comparison: Comparison, round: number): Net[] {
  const standings = resultsOf(comparison, round).filter(({ variant }) => variant !== NONE)
    .map(({ variant, setting, validationError, validationLoss }): Standing => ({
      variant,
      setting,
      error: validationError ?? Infinity,
      loss: validationLoss ?? Infinity,
    }));
  return [{ variant: NONE, setting: 0 }, ...survivors(standings, comparison.rounds[round + 1])];
}

/** Trains what is still to be trained, and writes down each result as it is there. */
export async function runRounds(begun: Comparison, host: Host): Promise<Standings> {
  const data = heldBack(host.dataset);
  let comparison = begun;
  let nets = allNets(comparison);
  for (const [i, round] of comparison.rounds.entries()) {
    const last = i === comparison.rounds.length - 1;
    if (last) await promote(comparison, nets, host);
    host.progress.round(comparison, i, nets);
    for (const seed of comparison.seeds.slice(0, round.seeds)) {
      for (const net of nets) {
        if (isDone(comparison, net, seed, i)) continue;
        if (host.signal.aborted) return { comparison, complete: false };
        const result = await trainNet(comparison, net, seed, i, host, data);
        if (result === undefined) return { comparison, complete: false };
        comparison = { ...comparison, results: [...comparison.results, result] };
        await writeComparison(host.directory.path, comparison);
        host.progress.finished(result);
      }
    }
    if (last) return { comparison, finalists: nets.slice(1), complete: true };
    const next = nextNets(comparison, i);
    for (const net of nets) if (!next.some((other) => same(net, other))) await forget(host.directory.path, net);
    host.progress.decided(nets, next);
    nets = next.map(({ variant, setting }) => ({ variant, setting }));
  }
  return { comparison, complete: false };
}

function same(a: Net, b: Net): boolean {
  return a.variant === b.variant && a.setting === b.setting;
}

function isDone(comparison: Comparison, net: Net, seed: number, round: number): boolean {
  return resultsOf(comparison, round).some((result) => same(result, net) && result.seed === seed);
}

/** The data with the validation part of a run; that of the last seed is kept, since all nets have it in turn. */
function heldBack(dataset: Dataset): (run: ConfiguredRun) => Dataset {
  let kept: { key: string; data: Dataset } | undefined;
  return ({ validation, validationSeed }) => {
    if (validation === undefined) return dataset;
    const key = `${validation} ${validationSeed}`;
    if (kept?.key !== key) kept = { key, data: holdBack(dataset, validation, validationSeed) };
    return kept.data;
  };
}

async function trainNet(
  comparison: Comparison,
  net: Net,
  seed: number,
  index: number,
  { directory, registry, progress, signal }: Host,
  data: (run: ConfiguredRun) => Dataset,
): Promise<Trained | undefined> {
  const { rounds } = comparison;
  const round: Round = rounds[index];
  const last = index === rounds.length - 1;
  // Beside another run, so that runs are named alike in all rounds.
  const config = configOf(comparison, net.variant === NONE ? [net] : [{ variant: NONE, setting: 0 }, net], registry);
  const name = nameIn(config, net.variant, seed);
  const run = configuredRun(config, name, registry);
  progress.begin(net, seed);
  const measured = await train({
    run,
    identity: identityOf(config, runName(net.variant, seed))!,
    folder: last ? `${directory.path}/${runName(net.variant, seed)}` : roundFolder(directory.path, net),
    dataset: data(run),
    fullEpochs: rounds.at(-1)!.epochs,
    epochs: round.epochs,
    progress: (epochs) => progress.tell(epochs),
    signal,
  });
  return measured && { ...net, seed, round: index + 1, ...measured };
}

/** A run's name in a configuration: one that is alone has no variant in it. */
function nameIn({ runs }: Config, variant: string, seed: number): string {
  return runs.length === 1 ? `seed-${seed}` : runName(variant, seed);
}

/** Where a net is trained before the last round. */
function roundFolder(out: string, { variant, setting }: Net): string {
  return `${out}/rounds/${variant}-${setting}`;
}

/** Makes the folder one of runs, those of the last round, which go on from where they are. */
async function promote(comparison: Comparison, nets: readonly Net[], { directory, registry }: Host): Promise<void> {
  const config = configOf(comparison, nets, registry);
  for (const net of nets) {
    const folder = folderOfRun(directory.path, config, runName(net.variant, comparison.seeds[0]));
    const there = await Deno.lstat(folder).then(() => true, () => false);
    if (there) continue;
    await Deno.rename(roundFolder(directory.path, net), folder).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error; // the first round is the last one
    });
  }
  await directory.begin(config);
}

/** Gives back the space of a net that does not go on; its metrics stay. */
async function forget(out: string, net: Net): Promise<void> {
  const folder = roundFolder(out, net);
  const names: string[] = [];
  try {
    for await (const { name } of Deno.readDir(folder)) if (name.startsWith("checkpoint-")) names.push(name);
  } catch {
    return; // gone already
  }
  for (const name of names) await Deno.remove(`${folder}/${name}`, { recursive: true });
}
