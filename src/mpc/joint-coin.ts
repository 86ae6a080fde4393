// A coin tossed by three parties by commitment: nobody can choose it, or foresee it before all have committed.
import { ChannelError, type Link } from "../channel/channel.ts";
import { receiveBytes } from "../channel/long-messages.ts";
import type { Primitives } from "../platform/primitives.ts";

const NONCE_BYTES = 32;

/** Sends 32 bytes to both neighbours and returns what they sent. */
function exchange(
  mine: Uint8Array,
  next: Link,
  previous: Link,
  tag: number,
): Promise<[Uint8Array, Uint8Array]> {
  next.send(tag, mine);
  previous.send(tag, mine);
  return Promise.all([receiveBytes(next, tag, 32), receiveBytes(previous, tag, 32)]);
}

/**
 * 32 public random bytes. Rounds: 2. Leaks: nothing, the coin is public.
 * Reference: Blum 1981, with a hash as commitment to 32 random bytes bound to the party.
 */
export async function jointCoin(
  primitives: Primitives,
  party: number,
  next: Link,
  previous: Link,
  tags: readonly [number, number],
): Promise<Uint8Array> {
  const commit = (owner: number, nonce: Uint8Array) =>
    primitives.sha256(Uint8Array.of(owner), nonce);
  const nonce = primitives.randomBytes(NONCE_BYTES);
  const commitments = await exchange(commit(party, nonce), next, previous, tags[0]);
  const nonces = await exchange(nonce, next, previous, tags[1]);

  const owners = [(party + 1) % 3, (party + 2) % 3] as const;
  const all: Uint8Array[] = [];
  all[party] = nonce;
  owners.forEach((owner, index) => {
    const expected = commit(owner, nonces[index]!);
    if (!expected.every((byte, at) => byte === commitments[index]![at])) {
      throw new ChannelError(
        "protocol",
        `evaluator ${owner} opened another coin than it committed to`,
      );
    }
    all[owner] = nonces[index]!;
  });
  return primitives.sha256(...all);
}
