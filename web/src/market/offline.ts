// Has the service worker's store hold all files of the pages, those that were not needed yet, too.

const PAGES = "pages";

/** Without it the pages work all the same, but do not open offline. */
export async function openOffline(): Promise<void> {
  if (navigator.serviceWorker === undefined) return;
  await navigator.serviceWorker.register("/service-worker.js");
  await navigator.serviceWorker.ready;
  const files = (await (await fetch("/files.json")).json()) as readonly string[];
  const cache = await caches.open(PAGES);
  for (const path of ["/", "/api/market", ...files]) {
    if ((await cache.match(path)) === undefined) await cache.add(path);
  }
}
