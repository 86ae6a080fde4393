// Shares for an evaluator that has none of a value, from those that have them: one that stood by or was away gets
// exactly the share that it would have, and the others learn nothing.
//   Replicated: both components of evaluator i are held by others, who send them.
//   Shamir: its share is a sum over t + 1 holders j of l_j f(j). Each sends its term masked by a share of zero among
//   the holders, made of keys that each two of them have drawn for this; so only the sum is learnt (Herzberg,
//   Jarecki, Krawczyk, Yung 1995, section 4, with masks of zero in place of polynomials).
import type { Link } from "../../channel/channel.ts";
import { receiveBytes, sendBytes } from "../../channel/long-messages.ts";
import type { Field } from "../../field/field.ts";
import { ELEMENT_BYTES } from "../../field/prime.ts";
import { assert } from "../../platform/assert.ts";
import type { Primitives } from "../../platform/primitives.ts";
import { interpolation } from "../../sharing/interpolation.ts";
import type { Setting } from "../../wire/setting.ts";
import type { Mesh } from "../mesh.ts";

/** Tags that no operation of an engine has. */
const SEED_TAG = 2 ** 32 - 3;
const SHARE_TAG = 2 ** 32 - 4;
const SEED_BYTES = 16;

interface Tools {
  readonly field: Field;
  readonly primitives: Primitives;
}

/** How many evaluators that have a value it takes to hand shares of it to the others. */
export const leastHolders = ({ engine, threshold }: Setting): number =>
  engine === "replicated" ? 2 : threshold + 1;

/** A value that some members have shares of, and others lack. */
export interface Handover {
  readonly holders: readonly number[];
  readonly lacking: readonly number[];
  /** This evaluator's shares; null if it lacks them. */
  readonly own: Uint8Array | null;
  /** Vectors, and the length of each. */
  readonly vectors: number;
  readonly length: number;
}

/** Hands shares over to all members of a mesh that lack them. Resolves with this evaluator's. */
export function handOver(
  tools: Tools,
  setting: Setting,
  mesh: Mesh,
  handover: Handover,
): Promise<Uint8Array> {
  assert(handover.holders.length >= leastHolders(setting), "there are enough holders");
  return setting.engine === "replicated"
    ? handOverComponents(tools, mesh, handover)
    : handOverSums(tools, setting, mesh, handover);
}

const linkTo = ({ links }: Mesh, member: number): Link => links.get(member)!;

/**
 * Evaluator i gets component i from the one before it, whose second it is, and i + 1 from the next, whose first it is.
 */
async function handOverComponents(
  { field }: Pick<Tools, "field">,
  mesh: Mesh,
  { holders, lacking, own, vectors, length }: Handover,
): Promise<Uint8Array> {
  const bytes = length * ELEMENT_BYTES;
  const component = (of: Uint8Array, index: number) => {
    const parts = Array.from({ length: vectors }, (_, v) => {
      const at = (2 * v + index) * bytes;
      return of.subarray(at, at + bytes);
    });
    return new Uint8Array(Buffer.concat(parts));
  };
  if (own !== null) {
    for (const member of lacking) {
      const isBefore = (mesh.party + 1) % 3 === member;
      await sendBytes(linkTo(mesh, member), SHARE_TAG, component(own, isBefore ? 1 : 0));
    }
    return own;
  }
  const before = (mesh.party + 2) % 3;
  const next = (mesh.party + 1) % 3;
  assert(holders.includes(before) && holders.includes(next), "both others are holders");
  const [first, second] = await Promise.all(
    [before, next].map((member) => receiveBytes(linkTo(mesh, member), SHARE_TAG, vectors * bytes)),
  );
  const parts = Array.from({ length: vectors }, (_, v) => [
    first!.subarray(v * bytes, (v + 1) * bytes),
    second!.subarray(v * bytes, (v + 1) * bytes),
  ]);
  const share = field.alloc(2 * vectors * length);
  field.setBytes(share, Buffer.concat(parts.flat()));
  field.maskPrg(share); // Whatever was sent, these are elements now.
  const bytesOfShare = field.toBytes(share);
  field.free(share);
  return bytesOfShare;
}

async function handOverSums(
  { field, primitives }: Tools,
  { threshold }: Setting,
  mesh: Mesh,
  { holders, lacking, own, vectors, length }: Handover,
): Promise<Uint8Array> {
  const givers = holders.slice(0, threshold + 1);
  const elements = vectors * length;
  if (own === null) {
    const sum = field.alloc(elements);
    field.fill(sum, 0);
    const terms = await Promise.all(
      givers.map((member) =>
        receiveBytes(linkTo(mesh, member), SHARE_TAG, elements * ELEMENT_BYTES),
      ),
    );
    for (const bytes of terms) {
      const term = field.alloc(elements);
      field.setBytes(term, bytes);
      field.maskPrg(term); // Whatever was sent, these are elements now.
      field.add(sum, sum, term);
      field.free(term);
    }
    const share = field.toBytes(sum);
    field.free(sum);
    return share;
  }
  if (!givers.includes(mesh.party)) return own;
  const seeds = await pairSeeds(primitives, mesh, givers);
  const share = field.alloc(elements);
  field.setBytes(share, own);
  for (const member of lacking) {
    const nodes = givers.map((giver) => giver + 1);
    const coefficients = interpolation(field, nodes, member + 1);
    const term = field.alloc(elements);
    const rank = givers.indexOf(mesh.party);
    field.mul(term, share, coefficients.slice(rank, rank + 1));
    for (const [other, seed] of seeds) {
      const mask = maskOf({ field, primitives }, seed, member, elements);
      if (mesh.party < other) field.add(term, term, mask);
      else field.sub(term, term, mask);
      field.free(mask);
    }
    await sendBytes(linkTo(mesh, member), SHARE_TAG, field.toBytes(term));
    field.free(term);
    field.free(coefficients);
  }
  field.free(share);
  return own;
}

/** A fresh key with every other giver: the one with the lower number draws it. */
async function pairSeeds(
  primitives: Primitives,
  mesh: Mesh,
  givers: readonly number[],
): Promise<ReadonlyMap<number, Uint8Array>> {
  const others = givers.filter((giver) => giver !== mesh.party);
  const seeds = await Promise.all(
    others.map(async (other) => {
      const link = linkTo(mesh, other);
      if (other < mesh.party) return receiveBytes(link, SEED_TAG, SEED_BYTES);
      const seed = primitives.randomBytes(SEED_BYTES);
      await sendBytes(link, SEED_TAG, seed);
      return seed;
    }),
  );
  return new Map(others.map((other, i) => [other, seeds[i]!]));
}

/** A mask for one receiver: it is used once, for this handover. */
function maskOf({ field, primitives }: Tools, seed: Uint8Array, member: number, length: number) {
  const key = primitives.sha256(seed, Uint8Array.of(member)).subarray(0, SEED_BYTES);
  const words = new Uint8Array(length * ELEMENT_BYTES);
  primitives.prg(key).fill(words);
  const mask = field.alloc(length);
  field.setBytes(mask, words);
  field.maskPrg(mask);
  return mask;
}
