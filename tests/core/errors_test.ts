import { assertThrows } from "@std/assert";
import { OptionError, refuseUnknown } from "../../core/mod.ts";

Deno.test("refuseUnknown() names the unknown key, where it stands, and those that are known", () => {
  refuseUnknown({ norm: 1 }, ["value", "norm"], "clip");
  assertThrows(
    () => refuseUnknown({ norm: 1, vaule: 2 }, ["value", "norm"], "clip"),
    OptionError,
    'clip.vaule: expected one of the options value, norm, found "vaule"; did you mean "value"?',
  );
  assertThrows(() => refuseUnknown({ epoch: undefined }, ["epochs"], ""), OptionError, "epoch: expected one of");
  for (const other of [[], null, 3]) assertThrows(() => refuseUnknown(other, [], ""), OptionError, "options: expected");
});
