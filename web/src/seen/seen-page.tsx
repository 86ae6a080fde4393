// The same order as everybody sees it.
export const SeenPage = () => <p>…</p>;
