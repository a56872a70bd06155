/** `evaluate --exact`: all masks of a small net, beside what approximates their average. */
import { assert, assertAlmostEquals, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { cli, inFolder, writeConfig } from "../_run.ts";

const line = (i: number) => `${Math.cos(i)},${Math.sin(2 * i)}`;

Deno.test("evaluate --exact averages over all masks of a small net, and says how near the others come", () =>
  inFolder(async (folder) => {
    const kinds = Array.from({ length: 80 }, (_, i) => `${line(i)},${i % 3 ? "in" : "out"}`);
    await Deno.writeTextFile(`${folder}/t.csv`, ["a,b,kind", ...kinds].join("\n"));
    const config = await writeConfig(folder, {
      dataset: { plugin: "csv", path: `${folder}/t.csv`, target: "kind" },
      model: [{ plugin: "dense", units: 6 }, "relu", { plugin: "dropout", rate: 0.5 }, { plugin: "dense", units: 2 }],
    });
    const run = `${folder}/run`;
    assertEquals((await cli(["train", "--config", config, "--out", run])).status, 0);
    const ask = async (...args: string[]) => {
      const ran = await cli(["evaluate", "--run", run, "--exact", ...args, "--json"]);
      assertEquals(ran.status, 0, ran.err);
      return JSON.parse(ran.out);
    };
    const found = await ask("--samples", "20");
    assertEquals([found.units, found.masks, found.examples, found.samples], [6, 64, found.of, 20]);
    const [exact, geometric, scaling, few] = found.averages;
    assertEquals([exact.average, exact.distance], ["exact, arithmetic mean", 0]);
    // Of a softmax of one linear layer, weight scaling is the geometric mean.
    assertAlmostEquals(scaling.distance, geometric.distance, 1e-5);
    assertAlmostEquals(scaling.negativeLogLikelihood, geometric.negativeLogLikelihood, 1e-5);
    const many = (await ask("--samples", "2000")).averages[3];
    assert(many.distance < few.distance / 3, `${many.distance} of 2000 passes, ${few.distance} of 20`);
    const told = await cli(["evaluate", "--run", run, "--exact"]);
    assertMatch(told.out, /6 units that are kept or dropped, 64 masks\n\n *average +error +negative/);
    assertStringIncludes(told.out, "Monte Carlo, 100 passes");
    for (
      const [args, message] of [
        [["--laplace", "full"], "--laplace: expected nothing beside --exact"],
        [["--mixability", "3"], "--mixability: expected nothing beside --exact"],
      ] as const
    ) {
      const ran = await cli(["evaluate", "--run", run, "--exact", ...args]);
      assertEquals([ran.status, ran.out], [2, ""], ran.err);
      assertStringIncludes(ran.err, message);
    }
  }));

Deno.test("evaluate --exact of numbers is in the targets' units; nets with too many units, or none, are refused", () =>
  inFolder(async (folder) => {
    const rows = Array.from({ length: 40 }, (_, i) => `${line(i)},${1000 * Math.cos(i) + 500}`);
    await Deno.writeTextFile(`${folder}/t.csv`, ["a,b,price", ...rows].join("\n"));
    const dataset = { plugin: "csv", path: `${folder}/t.csv`, target: "price" };
    const drop = { plugin: "dropout", rate: 0.5 };
    const model = [{ plugin: "dense", units: 30 }, "relu", { plugin: "dense", units: 1 }];
    const runs = [
      { name: "small", set: { model: [drop, { plugin: "dense", units: 1 }] } },
      { name: "wide", set: { model: model.toSpliced(2, 0, drop as never) } },
      { name: "plain", set: { model } },
    ];
    const config = await writeConfig(folder, { dataset, model, runs, epochs: 1, batchSize: 10 });
    const run = `${folder}/run`;
    const trained = await cli(["train", "--config", config, "--out", run]);
    assertEquals(trained.status, 0, trained.err);
    const { out, err } = await cli(["evaluate", "--run", run, "--name", "small", "--exact", "--json"]);
    const [exact, scaling, drawn] = JSON.parse(out || err).averages;
    // Dropout before one linear layer keeps the mean.
    assert(exact.error > 100 && scaling.distance < 1e-3 && drawn.distance > 1, `${out}`);
    for (
      const [name, message] of [
        ["wide", "--exact: expected a net with at most 20 units, weights or branches that are kept or dropped, since"],
        ["plain", "--exact: expected a run in which dropout draws"],
      ]
    ) {
      const ran = await cli(["evaluate", "--run", run, "--name", name, "--exact"]);
      assertEquals([ran.status, ran.out], [2, ""], ran.err);
      assertStringIncludes(ran.err, message);
    }
  }));
