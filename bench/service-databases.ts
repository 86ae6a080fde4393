// Gives the evaluators of a local market a PostgreSQL database each, on one server.
import { readFile, writeFile } from "node:fs/promises";
import pg from "pg";

/** `url` is that of a database on the server; each evaluator has one of its own beside it. */
export async function setDatabases(configs: readonly string[], url: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  for (const [i, file] of configs.entries()) {
    const name = `evaluator_${i}`;
    await client.query(`create database ${name}`);
    const own = new URL(url);
    own.pathname = `/${name}`;
    const config = { ...JSON.parse(await readFile(file, "utf8")), database: own.href };
    await writeFile(file, JSON.stringify(config));
  }
  await client.end();
}
