// The evaluator program: one organisation's process. It listens for the other evaluators and for the operator,
// and computes on shares. Prints one line of JSON with its port when it listens.
//   node src/evaluator/main.ts --config FILE [--stop-with-parent]
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import { ChannelError, type Link } from "../channel/channel.ts";
import { connect, listen } from "../channel/tls.ts";
import { CertificateError } from "../crypto/certificates.ts";
import { readIdentity } from "../crypto/identity-files.ts";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import type { Party } from "../crypto/party.ts";
import { Field } from "../field/field.ts";
import { systemClock } from "../platform/clock.ts";
import { readConfig } from "../platform/config-file.ts";
import { messageOf } from "../platform/errors.ts";
import { LIMITS } from "../platform/limits.ts";
import { MAX_PARTIES } from "../wire/setting.ts";
import { Callers } from "./mesh.ts";
import { type OperatorContext, refuseOperator, serveOperator } from "./operator-session.ts";

const configSchema = z.strictObject({
  /** This evaluator's number. */
  index: z
    .int()
    .min(0)
    .max(MAX_PARTIES - 1),
  host: z.string(),
  /** 0 for any free port. */
  port: z.int().min(0).max(65535),
  /** Folder of its key and certificates, relative to the configuration file. */
  identity: z.string(),
  /** Ends a session whose peer sends nothing for this long. */
  silence_ms: z.int().min(100).optional(),
  /** How long evaluators that go on without a failed one wait for each other. */
  rejoin_ms: z.int().min(100).default(5_000),
});

const KIB = 1024;
const DEALER: Party = { role: "dealer", id: "0" };

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { config: { type: "string" }, "stop-with-parent": { type: "boolean" } },
  });
  if (values.config === undefined) throw new Error("--config FILE is missing");
  const config = await readConfig(values.config, configSchema);
  const identity = await readIdentity(resolve(dirname(values.config), config.identity));
  const log = (event: string, details: Readonly<Record<string, unknown>>) => {
    process.stderr.write(`${JSON.stringify({ evaluator: config.index, event, ...details })}\n`);
  };

  const callers = new Callers(systemClock);
  const linkOptions = config.silence_ms === undefined ? {} : { silenceMs: config.silence_ms };
  const context: OperatorContext = {
    group: {
      identity,
      party: config.index,
      callers,
      clock: systemClock,
      linkOptions,
      rejoinMs: config.rejoin_ms,
    },
    tools: {
      field: new Field(),
      primitives: nodePrimitives,
      clock: systemClock,
      reachDealer: (address) => connect(identity, { ...linkOptions, ...address, expect: DEALER }),
    },
    log,
    peakRssBytes: () => process.resourceUsage().maxRSS * KIB,
  };
  // One operator at a time: a clearing has the field memory to itself.
  let serving: Promise<void> | null = null;
  const onOperator = (link: Link) => {
    if (serving !== null) {
      refuseOperator(link);
      return;
    }
    serving = serveOperator(context, link).finally(() => {
      serving = null;
    });
  };
  const onPeer = (link: Link, party: Party) => {
    if (party.role === "evaluator") callers.arrived(Number(party.id), link);
    else if (party.role === "operator") onOperator(link);
    else link.close();
  };
  const listener = await listen(identity, {
    host: config.host,
    port: config.port,
    onPeer,
    silenceMsOf: ({ role }) => (role === "operator" ? LIMITS.idleOperatorMs : undefined),
    onRefused: (reason, address) => log("refused", { message: `refused ${address}: ${reason}` }),
    ...linkOptions,
  });
  process.stdout.write(`${JSON.stringify({ listening: listener.port })}\n`);

  // When links end with an evaluator, so do operations that nobody awaits any more: no reason to stop for the others.
  process.on("unhandledRejection", (error) => {
    if (!(error instanceof ChannelError)) throw error;
  });
  if (values["stop-with-parent"]) {
    process.stdin.on("end", () => process.exit(0));
    process.stdin.resume();
  }
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(0));
}

main().catch((error: unknown) => {
  const known = error instanceof ChannelError || error instanceof CertificateError;
  process.stderr.write(`evaluator: ${known ? "" : "cannot start: "}${messageOf(error)}\n`);
  process.exit(1);
});
