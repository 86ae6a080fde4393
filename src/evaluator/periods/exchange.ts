// How evaluators that have met tell each other things while they decide a period: everybody sends the same message to
// all others and receives theirs. One exchange follows the other in the same order at all of them.
import { z } from "zod";
import { ChannelError, type Link } from "../../channel/channel.ts";
import { receiveBytes, sendBytes } from "../../channel/long-messages.ts";
import { LIMITS } from "../../platform/limits.ts";

/** A tag that no operation of an engine has. */
const EXCHANGE_TAG = 2 ** 32 - 2;
const LENGTH_BYTES = 4;

export interface Exchanges {
  /** This evaluator's number. */
  readonly party: number;
  /** The numbers of all that take part, this one's too, ascending. */
  readonly members: readonly number[];
  /** Everybody's value by number. Throws ChannelError when a member ends or sends something else. */
  all<T>(schema: z.ZodType<T>, own: T): Promise<ReadonlyMap<number, T>>;
  /** The same for bytes of at most `mostBytes`. */
  allBytes(own: Uint8Array, mostBytes: number): Promise<ReadonlyMap<number, Uint8Array>>;
}

/** Exchanges over the links of a mesh. */
export function exchangesOver(party: number, links: ReadonlyMap<number, Link>): Exchanges {
  const allBytes = async (own: Uint8Array, mostBytes: number) => {
    const length = new Uint8Array(LENGTH_BYTES);
    new DataView(length.buffer).setUint32(0, own.length, true);
    const received = Promise.all(
      [...links].map(async ([other, link]) => [other, await receive(link, mostBytes)] as const),
    );
    const sent = [...links.values()].map(async (link) => {
      link.send(EXCHANGE_TAG, length);
      await sendBytes(link, EXCHANGE_TAG, own);
    });
    const [theirs] = await Promise.all([received, ...sent]);
    return new Map([...theirs, [party, own] as const].sort(([a], [b]) => a - b));
  };
  return {
    party,
    members: [party, ...links.keys()].sort((a, b) => a - b),
    allBytes,
    async all(schema, own) {
      const bytes = new TextEncoder().encode(JSON.stringify(own));
      const received = await allBytes(bytes, LIMITS.periodMessageBytes);
      return new Map(
        [...received].map(([other, theirs]) => [
          other,
          other === party ? own : parsed(schema, theirs, other),
        ]),
      );
    },
  };
}

async function receive(link: Link, mostBytes: number): Promise<Uint8Array> {
  const bytes = await receiveBytes(link, EXCHANGE_TAG, LENGTH_BYTES);
  const length = new DataView(bytes.buffer).getUint32(0, true);
  if (length > mostBytes) {
    const message = `${link.peer} sends ${length} bytes where at most ${mostBytes} are right`;
    throw new ChannelError("protocol", message);
  }
  return receiveBytes(link, EXCHANGE_TAG, length);
}

function parsed<T>(schema: z.ZodType<T>, bytes: Uint8Array, other: number): T {
  try {
    return schema.parse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
  } catch (error) {
    const what = error instanceof z.ZodError ? z.prettifyError(error) : "no JSON";
    throw new ChannelError("protocol", `evaluator-${other} sent a wrong message: ${what}`);
  }
}
