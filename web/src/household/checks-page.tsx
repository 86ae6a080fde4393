// What was verified of each result.
export const ChecksPage = () => <p>…</p>;
