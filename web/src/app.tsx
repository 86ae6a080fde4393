// The frame of all pages: name of the market, ways to its parts, what is amiss, and the part that is asked for.
import { useSignal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { Banners } from "./components/banners.tsx";
import { PageHead } from "./components/page-head.tsx";
import { frameTexts } from "./frame-texts.ts";
import { feedState, market } from "./market/feed.ts";
import { path } from "./router.ts";
import { Welcome } from "./welcome.tsx";

/** The parts of the pages, each loaded when it is asked for. */
const PARTS: Readonly<Record<string, () => Promise<ComponentType>>> = {
  household: async () => (await import("./household/household-page.tsx")).HouseholdPage,
  supplier: async () => (await import("./supplier/supplier-page.tsx")).SupplierPage,
  operator: async () => (await import("./operator/operator-page.tsx")).OperatorPage,
  seen: async () => (await import("./seen/seen-page.tsx")).SeenPage,
};

export function App() {
  const t = frameTexts();
  return (
    <>
      <a class="skip" href="#main">
        {t.skip}
      </a>
      <PageHead />
      <main id="main" tabIndex={-1}>
        <Banners />
        <Part />
      </main>
      <footer>
        <p>{t.footer}</p>
      </footer>
    </>
  );
}

function Part() {
  const t = frameTexts();
  const name = path.value.split("/")[1] ?? "";
  const load = PARTS[name];
  if (name !== "" && load === undefined) return <p>{t.noPage}</p>;
  if (market.value === null && feedState.value === "failed") return null;
  return load === undefined ? <Welcome /> : <Loaded key={name} load={load} />;
}

function Loaded({ load }: { readonly load: () => Promise<ComponentType> }) {
  const t = frameTexts();
  const part = useSignal<{ readonly Page: ComponentType } | null>(null);
  const failed = useSignal(false);
  useEffect(() => {
    load().then(
      (Page) => {
        part.value = { Page };
      },
      () => {
        failed.value = true;
      },
    );
  }, [load, part, failed]);
  if (failed.value) return <p class="notice bad">{t.partFailed}</p>;
  if (part.value === null || market.value === null) return <p class="waiting">{t.loading}</p>;
  const { Page } = part.value;
  return <Page />;
}
