// What every answer of the pages' server says to browsers: nothing from elsewhere is loaded, no script that is not
// a file of this server runs, and requests go to this server, the evaluators and the registrar only.
import type { MarketDocument } from "../../market/market-document.ts";

/** Where pages of a market send requests, besides the server that they are from. */
function serviceOrigins({ evaluators, registrar }: MarketDocument): string[] {
  const urls = [...evaluators.map(({ web }) => web), registrar?.web];
  return [...new Set(urls.flatMap((url) => (url === undefined ? [] : new URL(url).origin)))];
}

export function pageHeaders(market: MarketDocument): Record<string, string> {
  const policy = {
    "default-src": "'none'",
    // Of WebAssembly, the field's arithmetic is.
    "script-src": "'self' 'wasm-unsafe-eval'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": ["'self'", ...serviceOrigins(market)].join(" "),
    "manifest-src": "'self'",
    "worker-src": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
    "form-action": "'none'",
  };
  return {
    "content-security-policy": Object.entries(policy)
      .map(([name, value]) => `${name} ${value}`)
      .join("; "),
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  };
}
