// A link to another of the pages.
import type { ComponentChildren } from "preact";
import { followLink } from "../router.ts";

interface LinkProps {
  readonly to: string;
  readonly class?: string;
  readonly isCurrent?: boolean;
  readonly children: ComponentChildren;
}

export const Link = ({ to, class: name, isCurrent, children }: LinkProps) => (
  <a href={to} class={name} aria-current={isCurrent ? "page" : undefined} onClick={followLink}>
    {children}
  </a>
);
