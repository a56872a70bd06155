/** What `play` understands. @module */
import type { CommandHelp } from "../command.ts";

/** Shows a small net in training. */
export const playCommand: CommandHelp = {
  name: "play",
  words: ["[PORT]"],
  summary: "Serves a page in which one sees a small net train with dropout, on this machine, until Ctrl-C.",
  options: [
    { name: "open", meaning: "open it in the browser" },
    {
      name: "write",
      value: "FILE",
      meaning: "write the page as one HTML file, for a web site, in place of serving it",
    },
  ],
  examples: [
    ["play --open", "at port 8123, or any that is free"],
    ["play --write playground.html", "a file that needs no server"],
  ],
  notes: ["The address of the page holds all of what it shows: copy it to share a scene."],
};
