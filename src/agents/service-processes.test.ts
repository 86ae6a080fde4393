// Processes of a service: real ones, through the command line; what they say, and that they end with their parent.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, it } from "vitest";
import { systemClock } from "../platform/clock.ts";
import { ServiceProcess, ServiceProcessError } from "./service-processes.ts";

it("says why a program did not start", async () => {
  const program = { name: "the program", arguments: ["clear", "no-such-file.csv"] };
  const failing = new ServiceProcess(program);
  const error = await failing.start().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ServiceProcessError);
  expect(String(error)).toMatch(
    /the program did not start: cannot read the orders file no-such-file/,
  );
  expect([failing.isRunning, failing.pid]).toEqual([false, null]);
});

it("tells when a program ends by itself", async () => {
  const brief = new ServiceProcess({ name: "brief", arguments: ["--help"] });
  const ended = new Promise((resolve) => brief.onUnexpectedEnd(resolve));
  expect(await brief.start()).toMatch(/^Usage: hushwatt/);
  expect(await ended).toBe("brief");
  await brief.end();
});

const STOP_WITH_PARENT = pathToFileURL(join(import.meta.dirname, "stop-with-parent.ts")).href;
const CHILD = JSON.stringify(["--import", STOP_WITH_PARENT, "-e", "setInterval(() => {}, 1000)"]);
const PARENT = `
  const { spawn } = require("node:child_process");
  const child = spawn(process.execPath, ${CHILD}, { stdio: ["pipe", "inherit", "inherit"] });
  process.stdout.write(String(child.pid));
  setInterval(() => {}, 1000);`;

it("ends a program whose parent was killed", async () => {
  const parent = spawn(process.execPath, ["-e", PARENT], { stdio: ["ignore", "pipe", "inherit"] });
  const [text] = (await once(parent.stdout, "data")) as [Buffer];
  const child = Number(text.toString());
  // Until the child has loaded what watches its parent.
  await systemClock.sleep(500);
  expect(process.kill(child, 0)).toBe(true);
  // The child writes where its parent did: that is closed when both are gone.
  const closed = once(parent, "close");
  parent.kill("SIGKILL");
  await closed;
});
