/** The wiring of a graph: whether its names fit, and the order in which its nodes are run. @module */

/** A graph's wiring. */
export interface Wiring {
  /** Names of the inputs. */
  readonly inputs: readonly string[];
  /** What each node takes. */
  readonly nodes: Readonly<Record<string, { readonly inputs: readonly string[] }>>;
  /** Names of the outputs. */
  readonly outputs: readonly string[];
}

/** What is wrong with a wiring: where, and what would have been right. */
export interface WiringFault {
  /** The path of the wrong value. */
  readonly path: (string | number)[];
  /** What was expected. */
  readonly message: string;
}

/** The first fault of a wiring: an illegal, repeated or unknown name, or nodes that wait for each other. */
export function wiringFault({ inputs, nodes, outputs }: Wiring): WiringFault | undefined {
  if (new Set(inputs).size !== inputs.length) return { path: ["inputs"], message: "expected names that differ" };
  const names = [...inputs, ...Object.keys(nodes)];
  const known = (name: string) => names.includes(name);
  const wanted = `expected names of inputs or nodes (${names.join(", ")})`;
  for (const [name, node] of Object.entries(nodes)) {
    if (!/^[A-Za-z0-9_-]+$/.test(name) || name === "plugin" || inputs.includes(name)) {
      const message =
        'expected nodes with names of letters, digits, _ and -, other than "plugin" and those of the inputs';
      return { path: ["nodes", name], message: `${message}; this one is named ${JSON.stringify(name)}` };
    }
    if (!node.inputs.every(known)) return { path: ["nodes", name, "inputs"], message: wanted };
  }
  if (!outputs.every(known)) return { path: ["outputs"], message: wanted };
  const { waiting } = sortNodes({ inputs, nodes, outputs });
  if (waiting.length === 0) return undefined;
  return { path: ["nodes"], message: `expected nodes without a circle (${waiting.join(", ")} wait for each other)` };
}

/** The nodes in an order in which each comes after what it takes, and those for which there is none. */
export function sortNodes({ inputs, nodes }: Wiring): { order: string[]; waiting: string[] } {
  const done = new Set(inputs);
  const order: string[] = [];
  let waiting = Object.keys(nodes);
  for (;;) {
    const next = waiting.find((name) => nodes[name].inputs.every((input) => done.has(input)));
    if (next === undefined) return { order, waiting };
    order.push(next);
    done.add(next);
    waiting = waiting.filter((name) => name !== next);
  }
}
