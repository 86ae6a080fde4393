// Which page is shown: by the path of the address, so that every page can be kept as a bookmark.
import { signal } from "@preact/signals";

export const path = signal(location.pathname);

export function navigate(to: string): void {
  if (to === path.value) return;
  history.pushState(null, "", to);
  path.value = to;
  window.scrollTo(0, 0);
  // Whoever hears the page is told that it is another one.
  queueMicrotask(() => document.getElementById("main")?.focus());
}

window.addEventListener("popstate", () => {
  path.value = location.pathname;
});

/** Of a link to another page: the browser need not load everything anew. */
export function followLink(event: MouseEvent): void {
  const link = event.currentTarget as HTMLAnchorElement;
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey;
  if (!plain || event.defaultPrevented) return;
  event.preventDefault();
  navigate(link.pathname);
}
