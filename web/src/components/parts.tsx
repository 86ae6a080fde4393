// The parts of a page: links to all of them, and the one that the address names.
import type { ComponentType } from "preact";
import { path } from "../router.ts";
import { Link } from "./link.tsx";

interface PartsProps<Part extends string> {
  readonly label: string;
  /** The address of the first part; the others stand below it. */
  readonly base: string;
  readonly parts: readonly Part[];
  readonly names: Readonly<Record<Part, string>>;
  readonly pages: Readonly<Record<Part, ComponentType>>;
}

export function Parts<Part extends string>(props: PartsProps<Part>) {
  const { label, base, parts, names, pages } = props;
  const asked = path.value.split("/")[2];
  const [first] = parts;
  const current = parts.find((part) => part === asked) ?? first!;
  const Page: ComponentType = pages[current];
  return (
    <>
      <nav class="inner" aria-label={label}>
        {parts.map((part) => (
          <Link
            key={part}
            to={part === first ? base : `${base}/${part}`}
            isCurrent={part === current}
          >
            {names[part]}
          </Link>
        ))}
      </nav>
      <Page />
    </>
  );
}
