/**
 * `deno task bench [--only NAME] [--peers] [--profile] [--json]`: runs the cases and prints their figures beside what they
 * should be.
 *
 * @module
 */
import { readArguments } from "../cli/arguments/read_arguments.ts";
import { table } from "../cli/print/table.ts";
import { deliver, note, type Outcome } from "../cli/arguments/deliver.ts";
import { chooseBackend } from "../cli/run/choose_backend.ts";
import { didYouMean, OptionError } from "../mod.ts";
import { calls } from "./calls.ts";
import { type Case, cases } from "./cases.ts";
import { machine } from "./machine.ts";
import { median, type Summary, summary } from "./measure.ts";
import { nets } from "./nets.ts";
import { startPeers } from "./peers.ts";
import { besidePeers, type PeerTime } from "./beside.ts";
import { stepShares } from "./shares.ts";

/** What a case gives. */
interface Result {
  readonly name: string;
  readonly what: string;
  /** Median of ours; null where it is no time. */
  readonly ours_ms: number | null;
  /** Median of what it is held against; null where it is no time. */
  readonly floor_ms: number | null;
  /** The same in MiB, where it is memory. */
  readonly ours_mib?: number;
  readonly floor_mib?: number;
  /** Median of the ratios round by round. */
  readonly ratio: number;
  /** First and third quartile of the ratios. */
  readonly spread: readonly [number, number];
  /** Where the median of the ratios lies with a probability of 95 %. */
  readonly interval: readonly [number, number];
  readonly rounds: number;
  /** Such as `at most 1.12`. */
  readonly goal: string;
  readonly met: boolean;
  peers: Record<string, PeerTime>;
}

async function resultOf(given: Case): Promise<Result> {
  const { name, what, goal: [direction, bound], ratio = "ours / floor", unit = "ms", run } = given;
  const { ours, floor } = await run();
  const ratios = ours.map((value, i) => ratio === "ours / floor" ? value / floor[i] : floor[i] / value);
  const found: Summary = summary(ratios);
  const [a, b] = [median(ours), median(floor)];
  return {
    name,
    what,
    ...(unit === "ms" ? { ours_ms: a, floor_ms: b } : { ours_ms: null, floor_ms: null, ours_mib: a, floor_mib: b }),
    ratio: found.median,
    spread: found.spread,
    interval: found.interval,
    rounds: ours.length,
    goal: `${direction} ${bound}`,
    met: direction === "at most" ? found.median <= bound : found.median >= bound,
    peers: {},
  };
}

const digits = (value: number) => value.toFixed(value < 10 ? 3 : value < 100 ? 2 : 1);
const range = ([from, to]: readonly [number, number]) => `${digits(from)}–${digits(to)}`;

function figures(results: readonly Result[]): string {
  const rows = results.map((result) => {
    const unit = result.ours_ms === null ? "MiB" : "ms";
    return [
      result.name,
      `${digits(result.ours_ms ?? result.ours_mib!)} ${unit}`,
      `${digits(result.floor_ms ?? result.floor_mib!)} ${unit}`,
      digits(result.ratio),
      range(result.spread),
      range(result.interval),
      String(result.rounds),
      result.goal,
      result.met ? "yes" : "no",
    ];
  });
  return table(rows, ["case", "ours", "floor", "ratio", "quartiles", "95 %", "rounds", "goal", "met"]);
}

function peerTable(
  of: readonly { readonly name: string; readonly peers: Readonly<Record<string, PeerTime>> }[],
): string {
  const rows = of.flatMap(({ name, peers }) =>
    Object.entries(peers).map(([peer, { ours_ms, ms, ratio, interval }]) => [
      name,
      peer,
      `${digits(ours_ms)} ms`,
      `${digits(ms)} ms`,
      digits(ratio),
      range(interval),
    ])
  );
  return rows.length === 0 ? "" : table(rows, ["step", "peer", "ours", "theirs", "ours / theirs", "95 %"]);
}

/** Nets that are timed beside the peers though no case is about them. */
const further = ["lenet", "cifar", "lstm", "transformer"];

async function bench(args: readonly string[]): Promise<Outcome> {
  const given = readArguments(args.filter((arg) => arg !== "--json"), {
    name: "bench",
    summary: "Measures speed and memory against their goals.",
    options: [
      {
        name: "only",
        value: "NAME",
        meaning: "one of the cases, or of the nets that are timed beside peers",
        repeated: true,
      },
      { name: "peers", meaning: "also PyTorch (of python3) and TensorFlow.js (WASM, from npm), in turns with ours" },
      { name: "profile", meaning: "where the time of a step goes, in place of the cases" },
      { name: "backend", value: "NAME", meaning: "in place of the best there is" },
    ],
    examples: [],
  });
  const only = given.list("only");
  const names = [...cases.map(({ name }) => name), ...further, ...Object.keys(nets)];
  for (const name of only) {
    if (!names.includes(name)) throw new OptionError("--only", names.join(", "), name, didYouMean(name, names));
  }
  const chosen = (name: string) => only.length === 0 || only.includes(name);
  await chooseBackend(given.value("backend"));
  const about = machine();
  const head = `${about.processor}, ${about.cores} cores, ${about.system}; ${about.backend} backend: ${about.blas}; ` +
    `threads: ${about.threads}; ${about.instructions}; thinned ${about.version}, Deno ${about.deno}\n\n`;
  if (given.has("profile")) {
    const profile = only.length > 0 ? only : ["mlp", "mlp-shared", "small", ...further];
    const shares = profile.map((name) => stepShares(netOf(name)));
    const cost = calls();
    const rows = [...cost].map(([name, ns]) => [name, `${ns.toFixed(0)} ns`]);
    const text = shares.map(({ text }) => text).join("\n\n");
    return {
      json: { machine: about, profile: shares.map(({ json }) => json), calls_ns: Object.fromEntries(cost) },
      text: `${head}${text}\n\nCalls of kernels on four numbers\n${table(rows, ["kernel", "a call"])}\n`,
    };
  }
  const results: Result[] = [];
  for (const one of cases) {
    if (!chosen(one.name)) continue;
    note(`${one.name} ...`);
    results.push(await resultOf(one));
  }
  const json: Record<string, unknown> = { machine: about, results };
  let text = `${head}${figures(results)}\n`;
  if (given.has("peers")) {
    const { peers, missing } = await startPeers(about.threads);
    missing.forEach(note);
    const beside: { name: string; peers: Record<string, PeerTime> }[] = [];
    for (const result of results) {
      const { net, step } = cases.find(({ name }) => name === result.name)!;
      if (net === undefined) continue;
      note(`${result.name} beside peers ...`);
      result.peers = await besidePeers(peers, net, step);
      note(peerTable([result]));
    }
    for (const name of further.filter(chosen)) {
      note(`${name} beside peers ...`);
      beside.push({ name, peers: await besidePeers(peers, name) });
      note(peerTable(beside.slice(-1))); // there if what follows is broken off
    }
    for (const peer of peers) await peer.close();
    Object.assign(json, { beside, missing });
    text += `\n${peerTable([...results, ...beside])}\n${missing.map((line) => `${line}\n`).join("")}`;
  }
  return { json, text };
}

/** The net of a case, or of its own name. */
function netOf(name: string): string {
  const found = cases.find((one) => one.name === name)?.net ?? name;
  if (found in nets) return found;
  throw new OptionError("--only", `with --profile one of ${Object.keys(nets).join(", ")}`, name);
}

if (import.meta.main) Deno.exit(await deliver(Deno.args.includes("--json"), () => bench(Deno.args)));
