/// <reference lib="dom" />
/** The playground's page: shows what the worker computes, and says to it what a person changes. @module */
import { challenges } from "./challenges.ts";
import { byId, element, fill, type Slider } from "./controls.ts";
import { readTheme, sheet, type Theme } from "./draw/canvas.ts";
import { drawCurves, History } from "./draw/curves.ts";
import { drawPoints, EasedField } from "./draw/field.ts";
import { drawNetwork, Lamps, type NetState } from "./draw/network.ts";
import { Loop, speeds } from "./loop.ts";
import type { Answer, Frame, Shown } from "./messages.ts";
import { dataPanel, doubtPanel, netPanel, variantPanel } from "./panels.ts";
import { Pen } from "./pen.ts";
import type { Points } from "./points.ts";
import { firstScene, readScene, type Scene, writeScene } from "./scene.ts";
import type { Variant } from "./variants.ts";

/** When each variant is to be used, by its name: the page brings it along. */
const when: Readonly<Record<string, string>> = JSON.parse(byId("when").textContent!);

const calm = matchMedia("(prefers-reduced-motion: reduce)");

/** Milliseconds that masks stay in sight while training is faster than eyes are. */
const HOLD = () => calm.matches ? 700 : 160;

let scene = firstScene;
let variants: readonly Variant[] = [];
let points: Points | undefined;
let frame: Frame | undefined;
let sliders: readonly Slider[] = [];
/** The last step in sight, and when one was shown. */
let latest: Shown | undefined;
let shownAt = -Infinity;
let theme: Theme = readTheme();
let said = 0;
const net: { -readonly [Part in keyof NetState]: NetState[Part] } = {
  widths: [2, 8, 8, 2],
  weights: [],
  shown: undefined,
};
const lamps = new Lamps();
const field = new EasedField();
const history_ = new History();
const dropped = new Map<string, number>();
const pace = { milliseconds: 0, steps: 0 };
let dirty = { net: true, field: true, curves: true };

const loop = new Loop(byId("worker").textContent!, hear, (message) => notice(`The worker has failed: ${message}`));

function notice(text: string): void {
  const place = byId("notice");
  place.hidden = text === "";
  place.textContent = text;
}

function all(): void {
  dirty = { net: true, field: true, curves: true };
}

/** What the worker says. */
function hear(answer: Answer): void {
  if (answer.type === "ready") {
    variants = answer.variants;
    begin();
  } else if (answer.type === "scene") {
    points = answer.points;
    if (answer.refused !== undefined) {
      notice(answer.refused);
      play(false);
    }
    all();
  } else see(answer);
}

/** Takes a frame. */
function see(next: Frame): void {
  const before = frame?.step ?? 0;
  frame = next;
  if (next.step < before) forget();
  net.weights = next.weights;
  dirty.net = true;
  const now = performance.now();
  latest = next.shown ?? latest;
  if (latest !== net.shown && (!loop.playing || loop.speed < 10 || now - shownAt > HOLD())) {
    shownAt = now;
    net.shown = latest;
    lamps.set(net);
    dirty.field = true;
  }
  for (const site of next.shown?.sites ?? []) {
    dropped.set(site.path, 0.9 * (dropped.get(site.path) ?? site.dropped) + 0.1 * site.dropped);
  }
  if (next.field !== undefined) {
    field.set(next.field);
    dirty.field = true;
  }
  if (next.losses !== undefined) {
    history_.add(next.losses);
    dirty.curves = true;
  }
  pace.milliseconds += next.spent[0];
  pace.steps += next.spent[1];
  if (next.stopped !== undefined) {
    play(false);
    notice(`Training has stopped: ${next.stopped}`);
  }
  tell(next, now);
}

function forget(): void {
  net.shown = latest = undefined;
  history_.clear();
  dropped.clear();
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

/** Writes the numbers. */
function tell({ step, epoch, losses }: Frame, now: number): void {
  byId("steps").textContent = step.toLocaleString("en");
  byId("pace").textContent = loop.playing && pace.milliseconds > 200
    ? `· ${Math.round(pace.steps / pace.milliseconds * 1000).toLocaleString("en")}/s possible`
    : `· epoch ${epoch.toLocaleString("en")}`;
  if (losses !== undefined) {
    byId("train-loss").textContent = losses.train.loss.toFixed(3);
    byId("test-loss").textContent = losses.test.loss.toFixed(3);
    byId("gap").textContent = (losses.test.loss - losses.train.loss).toFixed(3);
    byId("test-error").textContent = percent(losses.test.error);
    judge();
  }
  const { shown } = net;
  const line = shown === undefined ? "No step yet." : `Masks of step ${shown.step} for the ringed example`;
  if (byId("mask-line").textContent !== line) byId("mask-line").textContent = line;
  shown?.sites.forEach(({ path }, i) => {
    const part = dropped.get(path) ?? 0;
    if (sliders[i] !== undefined) sliders[i].note.textContent = part === 0 ? "" : `dropped lately: ${percent(part)}`;
  });
  // For people who listen: not at every step.
  if (loop.playing && now - said < 5000) return;
  said = now;
  const kept = shown?.sites.filter(({ weights }) => !weights).map(({ layer, factors }) => {
    const row = factors.subarray(0, net.widths[layer]);
    return `${layer === 0 ? "inputs" : `layer ${layer}`} ${row.filter((factor) => factor > 0).length} of ${row.length}`;
  });
  byId("network").setAttribute(
    "aria-label",
    `Net of ${net.widths.join(", ")} units.` +
      (kept?.length ? ` Units kept in step ${shown!.step}: ${kept.join(", ")}.` : ""),
  );
  const last = history_.losses.at(-1);
  if (last === undefined) return;
  const numbers = `training loss ${last.train.loss.toFixed(3)}, test loss ${last.test.loss.toFixed(3)}`;
  byId("curves").setAttribute("aria-label", `After ${last.step} steps: ${numbers}`);
  byId("probability").setAttribute(
    "aria-label",
    `The plane with the points and the boundary between the classes; test error ${percent(last.test.error)}`,
  );
}

/** Marks the challenges that are done. */
function judge(): void {
  const last = history_.losses.at(-1);
  if (last === undefined) return;
  challenges.forEach((challenge, i) => {
    if (challenge.done(scene, last)) byId("challenge-list").children[i].classList.add("done");
  });
}

/** Changes the scene, and the panels that follow from what has changed. */
function change(parts: Partial<Scene>): void {
  const before = scene;
  notice("");
  scene = { ...scene, ...parts };
  history.replaceState(null, "", `#${writeScene(scene)}`);
  const differs = (...names: (keyof Scene)[]) => names.some((name) => before[name] !== scene[name]);
  if (differs("data")) dataPanel(scene, change, (label) => pen.label = label);
  if (differs("data", "points", "noise", "count", "share")) history_.clear();
  if (before.layers.length !== scene.layers.length) netPanel(scene, change);
  if (differs("variant", "options") || before.layers.length !== scene.layers.length) showVariant();
  if (differs("layers", "variant")) {
    net.widths = [2, ...scene.layers, 2];
    net.shown = latest = undefined;
    net.weights = [];
    lamps.set(net);
  }
  dropped.clear();
  pace.milliseconds = pace.steps = 0;
  pen.open = scene.data === "own";
  loop.show(scene);
}

function showVariant(): void {
  const variant = variants.find(({ name }) => name === scene.variant) ?? variants[0];
  sliders = variantPanel(scene, variants, variant, when[variant.name] ?? "", change);
}

function play(playing: boolean): void {
  loop.playing = playing;
  const button = byId("play");
  button.textContent = playing ? "Pause" : "Play";
  button.setAttribute("aria-pressed", String(playing));
  // What stands is what is seen.
  if (!playing) loop.ask({ type: "advance", steps: 0, fresh: true });
}

const pen = new Pen(byId<HTMLCanvasElement>("probability"), () => scene.points, (points) => change({ points }));

/** Shows a scene from its beginning. */
function show(next: Scene): void {
  scene = next;
  net.widths = [2, ...scene.layers, 2];
  net.weights = [];
  forget();
  lamps.set(net);
  dataPanel(scene, change, (label) => pen.label = label);
  netPanel(scene, change);
  doubtPanel(scene, change);
  showVariant();
  pen.open = scene.data === "own";
  loop.show(scene);
}

/** The scene of the page's address. */
function addressed(): Scene {
  try {
    const found = readScene(location.hash);
    if (variants.some(({ name }) => name === found.variant)) return found;
    notice(`scene: variant: expected one of ${variants.map(({ name }) => name).join(", ")}, found "${found.variant}".`);
  } catch (error) {
    notice((error as Error).message);
  }
  return firstScene;
}

function begin(): void {
  const speed = byId<HTMLSelectElement>("speed");
  fill(speed, speeds.map(([value, text]) => [String(value), text] as const), String(loop.speed));
  speed.onchange = () => loop.speed = Number(speed.value);
  byId("play").onclick = () => play(!loop.playing);
  byId("step").onclick = () => {
    if (loop.playing) play(false);
    loop.step();
  };
  byId("reset").onclick = () => loop.ask({ type: "reset" });
  byId("clear").onclick = () => change({ points: [] });
  byId("share").onclick = async () => {
    await navigator.clipboard?.writeText(location.href).catch(() => {});
    byId("share").textContent = "Copied";
    setTimeout(() => byId("share").textContent = "Copy link", 1500);
  };
  byId("challenge-list").replaceChildren(...challenges.map(({ title, task, scene }) => {
    const button = element("button", { textContent: "Try", ariaLabel: `Try: ${title}` });
    button.onclick = () => {
      history.replaceState(null, "", `#${writeScene(scene)}`);
      notice("");
      show(scene);
      loop.ask({ type: "reset" });
    };
    return element(
      "li",
      {},
      element("div", {}, element("b", { textContent: title }), element("span", { textContent: task })),
      button,
    );
  }));
  addEventListener("keydown", (event) => {
    const { target, key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (target instanceof Element && target.matches("button, input, select, summary, a, canvas[data-pen]")) return;
    if (key === " ") play(!loop.playing);
    else if (key === ".") byId("step").click();
    else if (key === "r") byId("reset").click();
    else return;
    event.preventDefault();
  });
  addEventListener("hashchange", () => {
    notice("");
    show(addressed());
  });
  addEventListener("resize", all);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    theme = readTheme();
    all();
  });
  show(addressed());
  document.body.dataset.ready = "";
  requestAnimationFrame(paint);
}

let painted = 0;
/** Until when lamps and fields are on their way. */
const restless = { net: 0, field: 0 };

function paint(now: number): void {
  requestAnimationFrame(paint);
  loop.tick(now);
  const passed = Math.min(100, now - painted);
  painted = now;
  const share = (time: number) => calm.matches ? 1 : 1 - Math.exp(-passed / time);
  for (const part of ["net", "field"] as const) if (dirty[part]) restless[part] = now + 700;
  if (now < restless.net) {
    lamps.move(share(75));
    drawNetwork(sheet(byId<HTMLCanvasElement>("network")), net, lamps, theme);
  }
  if (now < restless.field) {
    field.move(share(120));
    drawPlanes();
  }
  if (dirty.curves) drawCurves(sheet(byId<HTMLCanvasElement>("curves")), history_.losses, theme);
  dirty = { net: false, field: false, curves: false };
}

function drawPlanes(): void {
  const probability = sheet(byId<HTMLCanvasElement>("probability"));
  field.drawProbability(probability, theme);
  if (points !== undefined) drawPoints(probability, points, theme, false, net.shown?.example);
  pen.draw(probability, theme);
  const doubt = sheet(byId<HTMLCanvasElement>("unsure"));
  field.drawDoubt(doubt, theme);
  if (points !== undefined) drawPoints(doubt, points, theme, true);
}

/** For programs that look at the page: the scene, how things stand, and the losses so far. */
Object.assign(globalThis, {
  playground: {
    get scene() {
      return scene;
    },
    get frame() {
      return frame;
    },
    get shown() {
      return net.shown;
    },
    get losses() {
      return history_.losses;
    },
  },
});
