// Who gets what from a dealer: every evaluator its own seed, once; corrections evaluator 0 only; masks the operator
// that
// opened the session, for as long as it is there. And once with the real program over TLS.
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, it } from "vitest";
import { ChannelError, type Link } from "../channel/channel.ts";
import { memoryLinks } from "../channel/memory.ts";
import { connect } from "../channel/tls.ts";
import { ClientDealing } from "../client/dealer-orders.ts";
import { createAuthority, issueIdentity } from "../crypto/certificates.ts";
import { writeIdentity } from "../crypto/identity-files.ts";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { Field } from "../field/field.ts";
import { DealerLink, joinDealing } from "../mpc/dealer-access.ts";
import { DealerEngine } from "../mpc/dealer-engine.ts";
import { DealerInProcess } from "../mpc/dealer-parties.test-helper.ts";
import { mul } from "../mpc/engine.ts";
import { shareOf } from "../mpc/engines.test-helper.ts";
import { closePeers, meshedPeers } from "../mpc/parties.test-helper.ts";
import { nextTurn } from "../platform/turn.ts";
import type { DealerRequest } from "../wire/dealer-messages.ts";
import { Dealer } from "./session.ts";

const HOST = "127.0.0.1";

const opened = async (dealer: DealerInProcess, parties = 2) => {
  const link = dealer.call("operator");
  return { link, client: await ClientDealing.open(new Field(), link, parties) };
};

/** What the dealer says of a request that it refuses. */
async function refusal(
  dealer: DealerInProcess,
  link: Link,
  request: DealerRequest,
): Promise<string | undefined> {
  await expect(new DealerLink(link).ask(request, 8)).rejects.toThrow(ChannelError);
  return dealer.log.at(-1);
}

describe("a dealer", () => {
  it("hands every evaluator a seed of its own, once", async () => {
    const dealer = new DealerInProcess();
    const { client } = await opened(dealer);
    const seeds = [];
    for (const evaluator of [0, 1]) {
      const link = dealer.call({ evaluator });
      seeds.push((await joinDealing(link, client.id)).seed.join());
    }
    expect(new Set(seeds).size).toBe(2);
    const again = { type: "join", session: client.id } as const;
    expect(await refusal(dealer, dealer.call({ evaluator: 0 }), again)).toContain("once");
    expect(await refusal(dealer, dealer.call({ evaluator: 2 }), again)).toContain("fewer");
    dealer.close();
  });

  it("gives corrections to evaluator 0 only", async () => {
    const dealer = new DealerInProcess();
    const { client } = await opened(dealer);
    const link = dealer.call({ evaluator: 1 });
    const access = await joinDealing(link, client.id);
    await expect(access.corrections("triples")).rejects.toThrow(ChannelError);
    expect(dealer.log.at(-1)).toContain("evaluator 0");
    const material = { type: "material", kind: "triples" } as const;
    expect(await refusal(dealer, dealer.call({ evaluator: 0 }), material)).toContain("joined");
    expect(await refusal(dealer, dealer.call("operator"), material)).toContain("operator");
    dealer.close();
  });

  it("tells masks to the operator that opened the session, and to nobody else", async () => {
    const dealer = new DealerInProcess();
    const { client } = await opened(dealer);
    const masks = { type: "masks", session: client.id, kind: "inputs", count: 1 } as const;
    expect(await refusal(dealer, dealer.call("operator"), masks)).toContain("another operator");
    expect(await refusal(dealer, dealer.call({ evaluator: 0 }), masks)).toContain("refused");
    dealer.close();
  });

  it("ends a session with its operator's link, also for those that have joined", async () => {
    const dealer = new DealerInProcess();
    const { link, client } = await opened(dealer);
    const access = await joinDealing(dealer.call({ evaluator: 0 }), client.id);
    await access.corrections("bits");
    link.close();
    await nextTurn();
    const join = { type: "join", session: client.id } as const;
    expect(await refusal(dealer, dealer.call({ evaluator: 1 }), join)).toContain("no such session");
    await expect(access.corrections("bits")).rejects.toThrow(ChannelError);
    dealer.close();
  });

  it("ends a link on which something else than a request comes", async () => {
    const log: string[] = [];
    const dealer = new Dealer({
      field: new Field(),
      primitives: nodePrimitives,
      log: (message) => log.push(message),
    });
    const [own, served] = memoryLinks("dealer-0", "operator-x");
    own.send(1, new TextEncoder().encode('{"type":"open","parties":1}'));
    await dealer.serve(served, "operator");
    expect(log.join()).toContain("parties");
    own.close();
  });
});

it("the program deals over TLS to two engines", async () => {
  const folder = await mkdtemp(join(tmpdir(), "hushwatt-dealer-"));
  const authority = await createAuthority("market");
  await writeIdentity(
    join(folder, "id"),
    await issueIdentity(authority, { role: "dealer", id: "0" }),
  );
  const config = join(folder, "dealer.json");
  await writeFile(config, JSON.stringify({ host: HOST, port: 0, identity: "id" }));
  const program = join(import.meta.dirname, "main.ts");
  const options = ["--disable-warning=ExperimentalWarning", program, "--config", config];
  const child = spawn(process.execPath, [...options, "--stop-with-parent"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const peers = meshedPeers(2);
  const links: Link[] = [];
  try {
    const line = await new Promise<string>((resolve) => {
      createInterface({ input: child.stdout }).once("line", resolve);
    });
    const port: number = JSON.parse(line).listening;
    const call = async (role: "operator" | "evaluator", id: string) => {
      const expected = { role: "dealer", id: "0" } as const;
      const identity = await issueIdentity(authority, { role, id });
      const link = await connect(identity, { host: HOST, port, expect: expected });
      links.push(link);
      return link;
    };
    const client = await ClientDealing.open(new Field(), await call("operator", "x"), 2);
    const values = Array.from({ length: 20_000 }, (_, i) => i);
    const shares = await Promise.all(
      peers.map(async (own, party) => {
        const access = await joinDealing(await call("evaluator", String(party)), client.id);
        const engine = await DealerEngine.start(new Field(), own, access, nodePrimitives, nextTurn);
        const x = await shareOf(engine, values);
        const [bytes] = await engine.reveal([await mul(engine, x, x)]);
        engine.end();
        return bytes!;
      }),
    );
    const result = await client.result(shares);
    const squares = new Field();
    const v = squares.alloc(values.length);
    squares.setBytes(v, result.memory.bytes(result));
    expect(squares.toNumbers(v).every((square, i) => square === i * i)).toBe(true);
  } finally {
    for (const link of links) link.close();
    closePeers(peers);
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.stdin.end();
    await ended;
    await rm(folder, { recursive: true });
  }
});
