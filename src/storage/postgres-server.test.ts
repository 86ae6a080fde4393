// The PostgreSQL servers that other tests use: they start from every installation there is, survive a crash, and end.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { expect, it } from "vitest";
import { systemClock } from "../platform/clock.ts";
import { postgresFolders, startPostgres } from "./postgres-server.test-helper.ts";

async function ask(url: string, ...texts: string[]): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => {});
  await client.connect();
  let rows: unknown[] = [];
  for (const text of texts) ({ rows } = await client.query(text));
  await client.end();
  return rows;
}

const folderOf = (url: string) => new URL(url).searchParams.get("host")!;

it("finds an installation", () => {
  expect(postgresFolders()).not.toEqual([]);
});

it.each(postgresFolders())(
  "starts %s, keeps what was committed when it is killed, and removes all",
  async (folder) => {
    const server = await startPostgres(folder);
    await ask(server.url, "create table a (b integer)", "insert into a values (7)");
    expect(await ask(server.url, "show fsync")).toEqual([{ fsync: "on" }]);
    const other = await server.createDatabase();
    await expect(ask(other, "select b from a")).rejects.toThrow(/does not exist/);
    await server.kill9();
    await expect(ask(server.url, "select b from a")).rejects.toThrow();
    await server.startAgain();
    expect(await ask(server.url, "select b from a")).toEqual([{ b: 7 }]);
    await server.stop();
    expect(existsSync(folderOf(server.url))).toBe(false);
  },
);

it("ends with the process that started it", async () => {
  const helper = join(import.meta.dirname, "postgres-server.test-helper.ts");
  const program = `import { startPostgres } from ${JSON.stringify(helper)};
    console.log((await startPostgres()).url); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [text] = (await once(child.stdout, "data")) as [Buffer];
  const url = text.toString().trim();
  expect(await ask(url, "select 1 as one")).toEqual([{ one: 1 }]);
  child.kill("SIGKILL");
  const pidFile = join(folderOf(url), "data", "postmaster.pid");
  for (let tries = 0; existsSync(pidFile) && tries < 100; tries += 1) await systemClock.sleep(100);
  expect(existsSync(pidFile)).toBe(false);
  rmSync(folderOf(url), { recursive: true });
});
