// Keeps a copy of the pages and of the market document, so that they open without a connection: orders that were
// kept can be looked at then, and go out when it is back. Nothing else is kept here, and requests to evaluators are
// left alone.

interface Extendable extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface Fetched extends Extendable {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
}
interface WorkerScope {
  addEventListener(name: "install" | "activate", listen: (event: Extendable) => void): void;
  addEventListener(name: "fetch", listen: (event: Fetched) => void): void;
  skipWaiting(): Promise<void>;
  readonly clients: { claim(): Promise<void> };
}

const worker = globalThis as unknown as WorkerScope;
const PAGES = "pages";
const SHELL = "/";
const MARKET = "/api/market";

worker.addEventListener("install", (event) => event.waitUntil(worker.skipWaiting()));
worker.addEventListener("activate", (event) => event.waitUntil(worker.clients.claim()));
worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (request.mode === "navigate") event.respondWith(freshOrKept(SHELL, request));
  else if (pathname === MARKET) event.respondWith(freshOrKept(MARKET, request));
  else if (pathname.startsWith("/assets/")) event.respondWith(keptOrFresh(request));
});

/** From the server if it answers, else as it was last time. */
async function freshOrKept(name: string, request: Request): Promise<Response> {
  const cache = await caches.open(PAGES);
  try {
    const answer = await fetch(request);
    if (answer.ok) await keep(cache, name, answer.clone());
    return answer;
  } catch (error) {
    const kept = await cache.match(name);
    if (kept === undefined) throw error;
    return kept;
  }
}

/** Other pages have other files: those of earlier ones are dropped. */
async function keep(cache: Cache, name: string, answer: Response): Promise<void> {
  if (name === SHELL) {
    const before = await (await cache.match(SHELL))?.text();
    if (before !== undefined && before !== (await answer.clone().text())) {
      const files = (await cache.keys()).filter(({ url }) => url.includes("/assets/"));
      await Promise.all(files.map((file) => cache.delete(file)));
    }
  }
  await cache.put(name, answer);
}

/** Files whose names change with their content. */
async function keptOrFresh(request: Request): Promise<Response> {
  const cache = await caches.open(PAGES);
  const kept = await cache.match(request);
  if (kept !== undefined) return kept;
  const answer = await fetch(request);
  if (answer.ok) await cache.put(request, answer.clone());
  return answer;
}
