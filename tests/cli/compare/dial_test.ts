/** What of each variant is tuned, within its own range. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { dialOf } from "../../../cli/compare/_dial.ts";
import { builtins, OptionError, type Role, rolesOf, siteRoles } from "../../../mod.ts";

const sites: readonly Role[] = siteRoles;
const variants = builtins.map(({ definition }) => definition)
  .filter((definition) => rolesOf(definition).some((role) => sites.includes(role)));
const named = (name: string) => variants.find((definition) => definition.name === name)!;

Deno.test("every value of every variant's dial is one that the variant takes, and none is there twice", () => {
  // What a variant needs beside its dial.
  const needed: Record<string, Record<string, unknown>> = { "marginalised-dropout": { loss: "softmax" } };
  for (const definition of variants) {
    for (const count of [1, 4, 9]) {
      const dial = dialOf(definition, {}, count)!;
      assert(dial.values.length >= Math.min(count, 4) && dial.values.length <= count, definition.name);
      assertEquals(new Set(dial.values).size, dial.values.length, definition.name);
      for (const value of dial.values) {
        const options = { ...needed[definition.name], [dial.option]: value };
        assert(definition.options.safeParse(options).success, `${definition.name} ${dial.option} ${value}`);
      }
    }
  }
});

Deno.test("dials of rates lie around their defaults by odds, others by factors, bounded ones evenly", () => {
  assertEquals(dialOf(named("dropout"), {}, 4), { option: "rate", values: [0.5, 0.25, 0.75, 0.1] });
  assertEquals(dialOf(named("stochastic-depth"), {}, 3), { option: "rate", values: [0.2, 0.077, 0.43] });
  assertEquals(dialOf(named("gaussian-variational-dropout"), {}, 3), { option: "rate", values: [0.5, 0.25, 0.1] });
  assertEquals(dialOf(named("uout"), {}, 4), { option: "beta", values: [0.1, 0.033, 0.3, 0.011] });
  assertEquals(dialOf(named("masksembles"), {}, 4), { option: "scale", values: [2, 2.9, 4.1, 5.4] });
  assertEquals(dialOf(named("zoneout"), {}, 2), { option: "cell", values: [0.5, 0.25] });
});

Deno.test("a dial begins where the configuration does, and is fixed where its value is given", () => {
  assertEquals(dialOf(named("dropout"), {}, 3, 0.1)?.values, [0.1, 0.036, 0.25]);
  assertEquals(dialOf(named("gaussian-dropout"), {}, 2, 1)?.values, [0.5, 0.25]); // 1 is out of its range
  assertEquals(dialOf(named("dropout"), { rate: 0.95 }, 3), { option: "rate", values: [0.95] });
  assertThrows(() => dialOf(named("dropout"), { rate: { plugin: "linear" } }, 3), OptionError);
});
