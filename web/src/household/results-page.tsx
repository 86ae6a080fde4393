// Results and money of a day or a month.
export const ResultsPage = () => <p>…</p>;
