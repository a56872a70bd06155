/** Who may ask: the pages of this server alone, by those who know the token. @module */

/** Names under which a machine reaches itself, also through a tunnel from another. */
const LOCAL = ["127.0.0.1", "localhost"];

/** A token that nobody guesses: 128 random bits. */
export function makeToken(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Whether a request may be answered: it knows the token, it was sent to this machine by one of its own names (else another
 * site's name might point here), and if it changes anything, a page of this server has sent it.
 */
export function isAllowed(request: Request, token: string): boolean {
  const { searchParams } = new URL(request.url);
  const host = request.headers.get("host") ?? "";
  if (searchParams.get("token") !== token || !LOCAL.includes(host.replace(/:\d+$/, ""))) return false;
  return request.method === "GET" || request.headers.get("origin") === `http://${host}`;
}
