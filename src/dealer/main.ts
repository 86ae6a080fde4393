// The dealer program: run by somebody whom all trust not to collude with an evaluator. It hands out randomness that
// fits
// together and takes no part in the computation: it never sees an order, a share or a result. Prints one line of JSON
// with its port when it listens.
//   node src/dealer/main.ts --config FILE [--stop-with-parent]
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import { ChannelError, type Link } from "../channel/channel.ts";
import { listen } from "../channel/tls.ts";
import { CertificateError } from "../crypto/certificates.ts";
import { readIdentity } from "../crypto/identity-files.ts";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { type Party, partyName } from "../crypto/party.ts";
import { Field } from "../field/field.ts";
import { readConfig } from "../platform/config-file.ts";
import { messageOf } from "../platform/errors.ts";
import { LIMITS } from "../platform/limits.ts";
import { Dealer } from "./session.ts";

const configSchema = z.strictObject({
  host: z.string(),
  /** 0 for any free port. */
  port: z.int().min(0).max(65535),
  /** Folder of its key and certificates, relative to the configuration file. */
  identity: z.string(),
});

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { config: { type: "string" }, "stop-with-parent": { type: "boolean" } },
  });
  if (values.config === undefined) throw new Error("--config FILE is missing");
  const config = await readConfig(values.config, configSchema);
  const identity = await readIdentity(resolve(dirname(values.config), config.identity));
  const own = partyName(identity.party);
  const log = (message: string) => {
    process.stderr.write(`${JSON.stringify({ dealer: own, message })}\n`);
  };
  const dealer = new Dealer({ field: new Field(), primitives: nodePrimitives, log });
  const onPeer = (link: Link, { role, id }: Party) => {
    if (role === "operator") void dealer.serve(link, "operator");
    else if (role === "evaluator") void dealer.serve(link, { evaluator: Number(id) });
    else link.close();
  };
  const listener = await listen(identity, {
    host: config.host,
    port: config.port,
    onPeer,
    // Requests come when they are needed.
    silenceMs: LIMITS.idleOperatorMs,
    onRefused: (reason, address) => log(`refused ${address}: ${reason}`),
  });
  process.stdout.write(`${JSON.stringify({ listening: listener.port })}\n`);

  if (values["stop-with-parent"]) {
    process.stdin.on("end", () => process.exit(0));
    process.stdin.resume();
  }
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(0));
}

main().catch((error: unknown) => {
  const known = error instanceof ChannelError || error instanceof CertificateError;
  process.stderr.write(`dealer: ${known ? "" : "cannot start: "}${messageOf(error)}\n`);
  process.exit(1);
});
