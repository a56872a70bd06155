/** The exam: all checks of a plugin, in order. @module */
import {
  type AnyDefinition,
  type AnyFactory,
  didYouMean,
  isFactory,
  OptionError,
  PluginError,
  type Role,
  rolesOf,
  ShapeError,
  show,
  siteRoles,
  ThinnedError,
} from "../core/mod.ts";
import { sameOnBackends } from "./checks/backends.ts";
import { blind, oneScale, precision, sampleAsTrain, schedules } from "./checks/consistency.ts";
import { edgeRates, infinities, shape } from "./checks/edges.ts";
import { backwardMask, numericGradient, sharedAxes } from "./checks/gradients.ts";
import { independent, periodOfEntries, periodOfExamples, periodOfSteps } from "./checks/joint.ts";
import * as losses from "./checks/loss.ts";
import { ownDraw } from "./checks/masks.ts";
import { drops, evaluation, evaluationClaim, evaluationOfBatches, monteCarlo } from "./checks/modes.ts";
import { mean, moments, variance } from "./checks/moments.ts";
import { type OptionTrial, refusals, roundTrip } from "./checks/options.ts";
import { otherKey, otherSample, otherStep, sameKey, split } from "./checks/randomness.ts";
import { rate } from "./checks/rate.ts";
import { keepsNothing, resume } from "./checks/state.ts";
import { type Draws, drawsOf } from "./draws.ts";
import type { Options } from "./rates.ts";
import { type Check, ensure, type Examination, makeCheck } from "./report.ts";
import { isVariantLayer, sitesOf } from "./sites.ts";
import { makePlugin, Trial } from "./trial.ts";

/** Whether a role is that of a variant inside a model. */
function isSite(role: Role): boolean {
  return (siteRoles as readonly Role[]).includes(role);
}

/** Whether a plugin is a variant inside a model: it serves a site, or is a layer by itself. */
function isVariant(definition: AnyDefinition): boolean {
  return rolesOf(definition).some(isSite) || isVariantLayer(definition);
}

/** What an exam is told. */
export interface ExamineOptions {
  /** Options objects, each examined by itself. Default: those of the plugin's `cases`, else one without options. */
  readonly cases?: readonly Options[];
  /** What the random draws follow from: a whole number in [0, 2^53 - 1). Default 1. */
  readonly seed?: number;
  /** Names of the checks to make of those behind `something is dropped`; see {@linkcode checkNames}. Default: all. */
  readonly only?: readonly string[];
}

type Named<T> = readonly [name: string, check: (trial: T) => string];

/** The checks of a variant at one small site, in order. */
const siteChecks: readonly Named<Trial>[] = [
  ["shape", shape],
  ["mask as said", ownDraw],
  ["same key, same bits", sameKey],
  ["other key, other bits", otherKey],
  ["other step, other bits", otherStep],
  ["other sample, other bits", otherSample],
  ["split of the batch", split],
  ["evaluation", evaluation],
  ["evaluation of batches", evaluationOfBatches],
  ["claim: evaluation", evaluationClaim],
  ["Monte Carlo passes", monteCarlo],
  ["rates of 0 and 1", edgeRates],
  ["scheduled rate", schedules],
  ["dropped infinities", infinities],
  ["gradient", numericGradient],
  ["mask of the backward pass", backwardMask],
  ["shared axes", sharedAxes],
  ["saved and resumed", resume],
  ["nothing kept between steps", keepsNothing],
  ["native equals reference", sameOnBackends],
];

/** The statistical checks of a variant at one role, in order: of many draws, in random shapes and circumstances. */
const drawChecks: readonly Named<Draws>[] = [
  ["realised rate", rate],
  ["claim: mean", mean],
  ["claim: variance", variance],
  ["claim: moments", moments],
  ["one rule of scaling", oneScale],
  ["sample draws as train", sampleAsTrain],
  ["float32 as float64", precision],
  ["blind to values", blind],
  ["independent entries", independent("entries")],
  ["independent examples", independent("examples")],
  ["independent steps", independent("steps")],
  ["independent layers", independent("layers")],
  ["no period along entries", periodOfEntries],
  ["no period along examples", periodOfExamples],
  ["no period along steps", periodOfSteps],
];

/** The last check: what was called while all others ran. */
const SOURCES = "no clock, no chance but the key's";

/** The checks of a loss, in order. */
const lossChecks: readonly Named<losses.LossTrial>[] = [
  ["one number", losses.oneNumber],
  ["passes", losses.passes],
  ["same key, same bits", losses.sameKey],
  ["evaluation", losses.evaluation],
  ["gradient", losses.numericGradient],
  ["native equals reference", losses.sameOnBackends],
];

/** The names of all checks of a variant, in order. A loss has some of them and some of its own. */
export const checkNames: readonly string[] = [
  "options",
  "refusals",
  "sites",
  "something is dropped",
  ...siteChecks.map(([name]) => name),
  ...drawChecks.map(([name]) => name),
  SOURCES,
];

/**
 * Examines a plugin: whether it keeps what the contract asks of every variant, and what it claims. It is run by the
 * real driver, at each of its sites, in float64 and float32, and on the open backend. What is chosen at random follows from
 * the seed. While it is run, calls of a clock or of a source of chance are told.
 *
 * @param plugin what `definePlugin` returns; it serves one of the seven sites of variants, as a loss, or as
 * a layer that makes claims of what it draws
 * @throws {PluginError} when it does not
 *
 * @example
 * ```ts
 * import { dropout } from "@thinned/dropout";
 * import { examine } from "@thinned/dropout/testing";
 * import { assert } from "@std/assert";
 *
 * const { passed, checks } = await examine(dropout, { cases: [{ rate: 0.2 }, { rate: 0.2, share: ["batch"] }] });
 * assert(passed, checks.map((check) => `${check.name}: ${check.message}`).join("\n"));
 * ```
 */
export async function examine(plugin: AnyFactory, options: ExamineOptions = {}): Promise<Examination> {
  if (!isFactory(plugin)) {
    throw new PluginError(`examine: expected what definePlugin returns, found ${show(plugin)}.`);
  }
  const { definition } = plugin;
  if (!isVariant(definition) && definition.loss === undefined) {
    throw new PluginError(
      `examine: expected a plugin for one of the sites ${siteRoles.join(", ")}, a layer with claims, or a loss; ` +
        `${definition.name} serves as ${rolesOf(definition).join(", ")}.`,
    );
  }
  const { seed = 1, cases = definition.cases ?? [{}], only } = options;
  if (!Number.isSafeInteger(seed + 1) || seed < 0) {
    throw new OptionError("seed", "a whole number in [0, 2^53 - 1)", seed);
  }
  if (cases.length === 0) throw new OptionError("cases", "at least one object with options", cases);
  const known = [...checkNames, ...lossChecks.map(([name]) => name)];
  const unknown = only?.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new OptionError("only", "names of checks", unknown, didYouMean(unknown, known));
  const checks: Check[] = [];
  for await (const check of allChecks(plugin, cases, seed, only)) checks.push(check);
  return { plugin: definition.name, passed: checks.every(({ status }) => status !== "failed"), checks };
}

/** Makes the checks one by one; between two of them the event loop gets a turn. */
async function* allChecks(
  factory: AnyFactory,
  cases: readonly Options[],
  seed: number,
  only: readonly string[] | undefined,
): AsyncGenerator<Check> {
  const calls = new Set<string>();
  const make = <T extends { readonly label: string }>(name: string, trials: readonly T[], body: (trial: T) => string) =>
    makeCheck(name, trials, body, (call) => calls.add(call));
  async function* each<T extends { readonly label: string }>(all: readonly Named<T>[], trials: readonly T[]) {
    for (const [name, body] of all) {
      if (only?.includes(name) === false) continue;
      await new Promise((resolve) => setTimeout(resolve, 0));
      yield make(name, trials, body);
    }
  }
  const optionTrials = cases.map((options): OptionTrial => ({ label: labelOf(options), factory, options }));
  const roundTripped = make("options", optionTrials, roundTrip);
  yield roundTripped;
  // Options that cannot even be read leave nothing to examine.
  if (roundTripped.status === "failed" && !canBeMade(factory, cases)) return;
  yield make("refusals", optionTrials, refusals);
  const { definition } = factory;
  const whole = [{ label: definition.name }];
  if (isVariant(definition)) {
    const trials: Trial[] = [];
    const draws: Draws[] = [];
    yield make("sites", optionTrials, ({ options }) => {
      const found = acceptedSites(factory, options, seed);
      trials.push(...found);
      return found.map(({ site }) => site.label).join(", ");
    });
    if (trials.length > 0) {
      yield make("something is dropped", whole, () => drops(trials));
      yield* each(siteChecks, trials);
      const drawing = make("draws", optionTrials, ({ options }) => {
        const found = drawsOf(factory, options, seed);
        draws.push(...found);
        return found.map(({ label }) => label).join(", ");
      });
      if (drawing.status === "failed") yield drawing;
      yield* each(drawChecks, draws);
    }
  }
  if (definition.loss !== undefined) {
    const all = cases.flatMap((options) =>
      losses.targetKinds.map((targets) => new losses.LossTrial(factory, options, targets, seed))
    );
    const trials: losses.LossTrial[] = [];
    yield make("targets", whole, () => {
      trials.push(...all.filter((trial) => trial.fits()));
      ensure(
        trials.length > 0,
        `expected a loss for ${losses.targetKinds.map(({ name }) => name).join(" or ")}, found none`,
      );
      return trials.map(({ label }) => label).join(", ");
    });
    if (trials.length > 0) yield* each(lossChecks, trials);
  }
  yield make(SOURCES, whole, () => {
    ensure(
      calls.size === 0,
      () => `expected what is drawn to follow from the key alone, found calls of ${[...calls].join(", ")}`,
    );
    return "no clock was read, and no number drawn but from the key";
  });
}

function labelOf(options: Options): string {
  return Object.keys(options).length === 0 ? "without options" : `with ${JSON.stringify(options)}`;
}

function canBeMade(factory: AnyFactory, cases: readonly Options[]): boolean {
  try {
    cases.forEach((options) => makePlugin(factory, options));
    return true;
  } catch {
    return false;
  }
}

/** The sites at which the plugin can be built: of those that differ in shape only, at least one and at most two. */
function acceptedSites(factory: AnyFactory, options: Options, seed: number): Trial[] {
  const accepted: Trial[] = [];
  const refused: string[] = [];
  const plugin = makePlugin(factory, options);
  for (const site of sitesOf(factory.definition, plugin)) {
    if (accepted.filter((trial) => trial.site.group === site.group).length === 2) continue;
    const trial = new Trial(factory, options, site, seed);
    try {
      trial.subject();
      accepted.push(trial);
    } catch (error) {
      // A variant may refuse a shape, or a site by its options; what changes a shape is no refusal.
      const changed = error instanceof ShapeError && error.message.includes("expected an output of the input's shape");
      const refuses = error instanceof ShapeError || error instanceof OptionError;
      if (!refuses || changed) throw error;
      refused.push(`${site.label}: ${error.message}`);
    }
  }
  ensure(accepted.length > 0, () => `expected a site at which a model can be built, found none: ${refused.join(" ")}`);
  return accepted;
}

/**
 * Examines a plugin and throws unless it passes: for tests.
 *
 * @throws {ExamError} naming each check that failed, and what it found
 *
 * @example
 * ```ts
 * import { zoneout } from "@thinned/dropout";
 * import { assertPasses } from "@thinned/dropout/testing";
 *
 * await assertPasses(zoneout);
 * ```
 */
export async function assertPasses(plugin: AnyFactory, options: ExamineOptions = {}): Promise<void> {
  const examination = await examine(plugin, options);
  if (!examination.passed) throw new ExamError(examination);
}

/** A plugin that failed its exam. */
export class ExamError extends ThinnedError {
  /** The report. */
  readonly examination: Examination;

  /**
   * An error with the checks that failed.
   *
   * @param examination the report
   */
  constructor(examination: Examination) {
    const failed = examination.checks.filter((check) => check.status === "failed");
    const lines = failed.map((check) => `  ${check.name}: ${check.message}`);
    const made = examination.checks.filter((check) => check.status !== "not verified");
    super(`${examination.plugin} fails ${failed.length} of ${made.length} checks:\n${lines.join("\n")}`);
    this.examination = examination;
  }
}
