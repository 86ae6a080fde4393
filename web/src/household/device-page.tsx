// What this browser keeps.
export const DevicePage = () => <p>…</p>;
