// Dealer engines in one process, over in-memory links, with a real dealer at the end of links of their own; for tests.
import type { Link } from "../channel/channel.ts";
import { memoryLinks } from "../channel/memory.ts";
import { ClientDealing } from "../client/dealer-orders.ts";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { type Caller, Dealer } from "../dealer/session.ts";
import { Field } from "../field/field.ts";
import { Fields } from "../field/fields.test-helper.ts";
import { nextTurn } from "../platform/turn.ts";
import { type DealerAccess, joinDealing } from "./dealer-access.ts";
import { DealerEngine } from "./dealer-engine.ts";
import type { Peers } from "./network.ts";

/** A dealer that serves whoever calls. */
export class DealerInProcess {
  readonly log: string[] = [];
  private readonly dealer = new Dealer({
    field: new Field(),
    primitives: nodePrimitives,
    log: (message) => this.log.push(message),
  });
  private readonly links: Link[] = [];

  /** A link to the dealer. */
  call(caller: Caller): Link {
    const name = caller === "operator" ? "operator-test" : `evaluator-${caller.evaluator}`;
    const [own, served] = memoryLinks(name, "dealer-0").reverse() as [Link, Link];
    this.links.push(own);
    void this.dealer.serve(served, caller);
    return own;
  }

  close(): void {
    for (const link of this.links) link.close();
  }
}

export interface DealerSession {
  readonly engines: readonly DealerEngine[];
  /** Knows the masks of inputs and outputs. */
  readonly client: ClientDealing;
  readonly close: () => void;
}

/** An engine for each of `peers`, in a session of a dealer; `change` may give an evaluator another dealer's word. */
export async function startDealerEngines(
  peers: readonly Peers[],
  change: (access: DealerAccess, party: number) => DealerAccess = (access) => access,
  fields: Fields = new Fields(),
): Promise<DealerSession> {
  const dealer = new DealerInProcess();
  const client = await ClientDealing.open(new Field(), dealer.call("operator"), peers.length);
  const engines = await Promise.all(
    peers.map(async (own, party) => {
      const access = await joinDealing(dealer.call({ evaluator: party }), client.id);
      const changed = change(access, party);
      return DealerEngine.start(fields.take(), own, changed, nodePrimitives, nextTurn);
    }),
  );
  return { engines, client, close: () => dealer.close() };
}
