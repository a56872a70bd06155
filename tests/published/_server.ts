/** The package as a registry gives it out: what is published, over HTTP on loopback, and nothing else. @module */
import { isPublished, root } from "../../release/configuration.ts";

/** A server that gives out the package. */
export interface PackageServer extends AsyncDisposable {
  /** `127.0.0.1:PORT`, as `--allow-import` takes it. */
  readonly host: string;
  /** The paths that were asked for and are not published. */
  readonly missed: readonly string[];
}

/** Serves the package until it is disposed of. */
export function servePackage(): PackageServer {
  const missed: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const path = decodeURIComponent(new URL(request.url).pathname.slice(1));
    const text = isPublished(path) ? await Deno.readTextFile(new URL(path, root)).catch(() => undefined) : undefined;
    if (text === undefined) {
      missed.push(path);
      return new Response(`${path} is not published`, { status: 404 });
    }
    const type = path.endsWith(".ts") ? "application/typescript" : "text/plain";
    return new Response(text, { headers: { "content-type": `${type}; charset=utf-8` } });
  });
  return {
    host: `127.0.0.1:${server.addr.port}`,
    missed,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
