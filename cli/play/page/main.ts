/// <reference lib="dom" />
/** The playground's page: shows what the worker computes, and says to it what a person changes. @module */
import { challenges } from "./challenges.ts";
import { byId, element, fill, type Slider } from "./controls.ts";
import { Loop, speeds } from "./loop.ts";
import type { Answer, Frame } from "./messages.ts";
import { Numbers } from "./numbers.ts";
import { dataPanel, doubtPanel, netPanel, variantPanel } from "./panels.ts";
import { Pen } from "./pen.ts";
import { firstScene, readScene, type Scene, writeScene } from "./scene.ts";
import { Stage } from "./stage.ts";
import type { Variant } from "./variants.ts";

/** When each variant is to be used, by its name: the page brings it along. */
const when: Readonly<Record<string, string>> = JSON.parse(byId("when").textContent!);

/** Steps a second from which on masks stay in sight for longer than their step. */
const HURRIED = 10;

let scene = firstScene;
let variants: readonly Variant[] = [];
let frame: Frame | undefined;
let sliders: readonly Slider[] = [];

const pen = new Pen(byId<HTMLCanvasElement>("probability"), () => scene.points, (points) => change({ points }));
const stage = new Stage(pen);
const numbers = new Numbers(stage);
const loop = new Loop(byId("worker").textContent!, hear, (message) => notice(`The worker has failed: ${message}`));

/** Says a sentence above everything; nothing for an empty one. */
function notice(text: string): void {
  const place = byId("notice");
  place.hidden = text === "";
  place.textContent = text;
}

/** What the worker says. */
function hear(answer: Answer): void {
  if (answer.type === "ready") {
    variants = answer.variants;
    begin();
  } else if (answer.type === "scene") {
    stage.points = answer.points;
    stage.redraw();
    if (answer.refused === undefined) return;
    notice(answer.refused);
    play(false);
  } else see(answer);
}

/** Takes a frame. */
function see(next: Frame): void {
  if (next.step < (frame?.step ?? 0)) stage.forget();
  frame = next;
  stage.see(next.weights, next.shown, loop.playing && loop.speed >= HURRIED);
  if (next.field !== undefined) stage.takeField(next.field, next.views);
  if (next.losses !== undefined) {
    const { losses } = next;
    stage.takeLosses(losses);
    challenges.forEach(({ done }, i) => {
      if (done(scene, losses)) byId("challenge-list").children[i].classList.add("done");
    });
  }
  if (next.stopped !== undefined) {
    play(false);
    notice(`Training has stopped: ${next.stopped}`);
  }
  numbers.tell(next, loop.playing, sliders);
}

/** Changes the scene, and the panels that follow from what has changed. */
function change(parts: Partial<Scene>): void {
  const before = scene;
  scene = { ...scene, ...parts };
  notice("");
  history.replaceState(null, "", `#${writeScene(scene)}`);
  const differs = (...names: (keyof Scene)[]) => names.some((name) => before[name] !== scene[name]);
  const deeper = before.layers.length !== scene.layers.length;
  if (differs("data")) showData();
  if (differs("data", "points", "noise", "count", "share")) stage.history.clear();
  if (deeper) netPanel(scene, change);
  if (deeper || differs("variant", "options")) showVariant();
  if (differs("layers", "variant")) stage.reshape(scene.layers);
  numbers.forget();
  loop.show(scene);
}

function showData(): void {
  dataPanel(scene, change, (label) => pen.label = label);
  pen.open = scene.data === "own";
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

/** Shows a scene from its beginning. */
function show(next: Scene): void {
  scene = next;
  notice("");
  stage.reshape(scene.layers);
  stage.forget();
  numbers.forget();
  showData();
  netPanel(scene, change);
  doubtPanel(scene, change);
  showVariant();
  loop.show(scene);
}

/** The scene of the page's address; the first one, and a sentence, for an address that has none. */
function showAddressed(): void {
  try {
    const found = readScene(location.hash);
    const names = variants.map(({ name }) => name);
    if (!names.includes(found.variant)) {
      throw new Error(`scene: variant: expected one of ${names.join(", ")}, found ${JSON.stringify(found.variant)}.`);
    }
    show(found);
  } catch (error) {
    show(firstScene);
    notice((error as Error).message);
  }
}

/** The challenges, each with a button that sets its scene. */
function listChallenges(): void {
  byId("challenge-list").replaceChildren(...challenges.map(({ title, task, scene }) => {
    const button = element("button", { textContent: "Try", ariaLabel: `Try: ${title}` });
    button.onclick = () => {
      history.replaceState(null, "", `#${writeScene(scene)}`);
      show(scene);
      loop.ask({ type: "reset" });
    };
    const words = element("div", {}, element("b", { textContent: title }), element("span", { textContent: task }));
    return element("li", {}, words, button);
  }));
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
  listChallenges();
  addEventListener("keydown", (event) => {
    const { target, key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    // Where a key means something else already, it does.
    if (target instanceof Element && target.matches("button, input, select, summary, a, canvas[data-pen]")) return;
    if (key === " ") play(!loop.playing);
    else if (key === ".") byId("step").click();
    else if (key === "r") byId("reset").click();
    else return;
    event.preventDefault();
  });
  addEventListener("hashchange", showAddressed);
  showAddressed();
  document.body.dataset.ready = "";
  requestAnimationFrame(paint);
}

function paint(now: number): void {
  requestAnimationFrame(paint);
  loop.tick(now);
  stage.paint(now);
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
      return stage.shown;
    },
    get losses() {
      return stage.history.losses;
    },
  },
});
