import { assertEquals, assertThrows } from "@std/assert";
import { didYouMean, OptionError, PluginError, refuseUnknown, Registry } from "../../core/mod.ts";
import { builtins } from "../../plugins/builtins.ts";

Deno.test("didYouMean() finds what is near, whatever the case and the hyphens, and nothing else", () => {
  const known = ["dropout", "alpha-dropout", "max-pool1d", "max-pool2d", "sgd", "learningRate"];
  const guesses: [string, string][] = [
    ["dropuot", '; did you mean "dropout"?'],
    ["alphaDropout", '; did you mean "alpha-dropout"?'],
    ["max-pool", '; did you mean "max-pool1d" or "max-pool2d"?'],
    ["sdg", '; did you mean "sgd"?'],
    ["learning_rate", '; did you mean "learningRate"?'],
    ["x", ""],
    ["transformer", ""],
  ];
  for (const [word, guess] of guesses) assertEquals(didYouMean(word, known), guess, word);
});

Deno.test("misspelt options, values and plugins are refused with a guess", () => {
  const registry = new Registry(builtins);
  const make = (json: unknown) => () => registry.create(json, "part");
  assertThrows(make({ plugin: "sgd", momentun: 1 }), OptionError, 'found "momentun"; did you mean "momentum"?');
  assertThrows(make({ plugin: "plateau", from: 1, metric: "validatonLoss" }), OptionError, 'mean "validationLoss"');
  assertThrows(make({ plugin: "drop-out" }), PluginError, 'did you mean "dropout"?');
  assertThrows(make({ plugin: "xyz-nothing" }), PluginError, 'the command "plugins" lists');
  assertThrows(() => refuseUnknown({ nrom: 1 }, ["value", "norm"], "clip"), OptionError, 'did you mean "norm"?');
});
