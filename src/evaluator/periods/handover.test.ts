// Shares handed to evaluators that lack them: the very ones that they would have, and nothing else is told by it.
import { describe, expect, it } from "vitest";
import { nodePrimitives } from "../../crypto/node-primitives.ts";
import { Field } from "../../field/field.ts";
import { closePeers, meshedPeers, type SentFrame } from "../../mpc/parties.test-helper.ts";
import { combineReplicated } from "../../sharing/replicated.ts";
import { combineShamir, splitShamir } from "../../sharing/shamir.ts";
import { completeSetting, type SettingChoice } from "../../wire/setting.ts";
import { Mesh } from "../mesh.ts";
import { type Handover, handOver } from "./handover.ts";

const VECTORS = 2;
const LENGTH = 500;
const ELEMENTS = VECTORS * LENGTH;

/** Runs a handover among all; resolves with everybody's shares. */
async function handedOver(
  choice: SettingChoice,
  shares: readonly Uint8Array[],
  lacking: readonly number[],
  onFrame: (frame: SentFrame) => undefined = () => undefined,
): Promise<Uint8Array[]> {
  const setting = completeSetting(choice);
  const peers = meshedPeers(shares.length, onFrame);
  const holders = [...shares.keys()].filter((party) => !lacking.includes(party));
  try {
    return await Promise.all(
      peers.map(({ party, links }) => {
        const others = links.flatMap((link, i) => (link === null ? [] : [[i, link] as const]));
        const tools = { field: new Field(), primitives: nodePrimitives };
        const own = lacking.includes(party) ? null : shares[party]!;
        const handover: Handover = { holders, lacking, own, vectors: VECTORS, length: LENGTH };
        return handOver(tools, setting, new Mesh(party, new Map(others), 1), handover);
      }),
    );
  } finally {
    closePeers(peers);
  }
}

/** Random elements, 8 bytes each. */
function randomElements(count: number): Uint8Array {
  const field = new Field();
  const vector = field.alloc(count);
  field.setBytes(vector, nodePrimitives.randomBytes(8 * count));
  field.maskPrg(vector);
  return field.toBytes(vector);
}

describe("of replicated sharing", () => {
  it("gives back both components of one that has lost them", async () => {
    const components = [0, 1, 2].map(() =>
      Array.from({ length: VECTORS }, () => randomElements(LENGTH)),
    );
    const shares = [0, 1, 2].map((party) => {
      const vectors = Array.from({ length: VECTORS }, (_, v) => [
        components[party]![v]!,
        components[(party + 1) % 3]![v]!,
      ]);
      return new Uint8Array(Buffer.concat(vectors.flat()));
    });
    for (const lost of [0, 1, 2]) {
      const after = await handedOver({ engine: "replicated" }, shares, [lost]);
      expect(after.map((one) => Buffer.from(one).toString("hex"))).toEqual(
        shares.map((one) => Buffer.from(one).toString("hex")),
      );
      // As a meter would put it together.
      const half = 16 * LENGTH;
      const vector = combineReplicated(
        new Field(),
        after.map((one) => one.subarray(0, half)),
      );
      expect(vector.length).toBe(LENGTH);
    }
  });
});

describe("of Shamir's sharing", () => {
  it.each([
    { parties: 5, threshold: 1, lacking: [3, 4] },
    { parties: 5, threshold: 2, lacking: [0, 2] },
    { parties: 7, threshold: 2, lacking: [1, 4, 5, 6] },
  ])(
    "gives $lacking of $parties, threshold $threshold, their points of the polynomials",
    async ({ parties, threshold, lacking }) => {
      const setting = { engine: "shamir", parties, threshold } as const;
      const field = new Field();
      const values = Uint8Array.from({ length: ELEMENTS }, (_, i) => i % 251);
      const split = splitShamir(field, nodePrimitives, values, ELEMENTS, parties, threshold);
      // Those below the threshold get seeds.
      const shares = split.map((own, party) => {
        if (party >= threshold) return own;
        const share = field.alloc(ELEMENTS);
        field.setBytes(share, nodePrimitives.expandSeeds(own, ELEMENTS / 2));
        field.maskPrg(share);
        return field.toBytes(share);
      });
      const sent: SentFrame[] = [];
      const after = await handedOver(setting, shares, lacking, (frame) => {
        sent.push(frame);
      });
      for (const member of lacking) {
        expect(Buffer.from(after[member]!).equals(shares[member]!)).toBe(true);
      }
      const points = after.map((_, party) => party + 1);
      const together = combineShamir(field, points, threshold, after);
      expect(field.toNumbers(together)).toEqual(Float64Array.from(values));
      // t + 1 terms for each that lacks, which are nobody's shares: no t of them tell anything, masked as they are.
      const terms = sent.filter(({ payload }) => payload.length === 8 * ELEMENTS);
      expect(terms).toHaveLength((threshold + 1) * lacking.length);
      const seen = new Set(terms.map(({ payload }) => Buffer.from(payload).toString("hex")));
      expect(seen.size).toBe(terms.length);
      const again: SentFrame[] = [];
      await handedOver(setting, shares, lacking, (frame) => {
        again.push(frame);
      });
      const repeated = again.filter(({ payload }) =>
        seen.has(Buffer.from(payload).toString("hex")),
      );
      // With fresh masks: the same shares handed over twice are other bytes.
      expect(repeated).toEqual([]);
    },
  );
});
