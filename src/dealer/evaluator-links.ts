// A market's dealer at the end of an evaluator's link: one attempt for each link (market-attempts.ts).
import { ChannelError, type Link } from "../channel/channel.ts";
import { receiveBytes, sendBytes } from "../channel/long-messages.ts";
import { messageOf } from "../platform/errors.ts";
import {
  DEALER_TAGS,
  dealerRequestSchema,
  firstRequestSchema,
  MAX_DEALER_REQUEST_BYTES,
} from "../wire/dealer-messages.ts";
import { decodeJson, MessageError } from "../wire/session-messages.ts";
import { namesLength } from "./attempt-problems.ts";
import { RefusedError } from "./corrections.ts";
import type { MarketAttempts } from "./market-attempts.ts";

export interface LinkTools {
  readonly attempts: MarketAttempts;
  /** Told why a link was ended that its evaluator did not end. */
  readonly onRefused: (peer: string, reason: string, expected: boolean) => void;
}

/** Serves an evaluator until its link ends. What it may not have ends the link. */
export async function serveEvaluator(tools: LinkTools, link: Link, evaluator: number) {
  try {
    await serveAttempt(tools, link, evaluator);
  } catch (error) {
    const gone = error instanceof ChannelError && error.code !== "protocol";
    if (!gone) {
      const expected = [RefusedError, MessageError, ChannelError].some(
        (one) => error instanceof one,
      );
      tools.onRefused(link.peer, messageOf(error), expected);
    }
  } finally {
    link.close();
  }
}

async function serveAttempt(tools: LinkTools, link: Link, evaluator: number): Promise<never> {
  const { attempts } = tools;
  const receive = () => link.receiveFrame(DEALER_TAGS.requests, MAX_DEALER_REQUEST_BYTES);
  const request = decodeJson(firstRequestSchema, await receive());
  const joining = attempts.join(link, evaluator, request);
  joining.catch(() => {}); // It is awaited when the names are there.
  if (evaluator === 0) {
    const names = receiveBytes(link, DEALER_TAGS.rows, namesLength(request));
    names.catch(() => {}); // Nobody awaits it when the attempt is refused.
    // Who is refused is told so at once, whatever it still sends.
    const received = await Promise.race([names, joining.then(() => names)]);
    attempts.name(request, received);
  }
  const { session, answer, corrections } = await joining;
  await sendBytes(link, DEALER_TAGS.answers, joined([session, answer]));
  for (let tag: number = DEALER_TAGS.answers + 1; ; tag++) {
    const asked = decodeJson(dealerRequestSchema, await receive());
    // Corrections are one-time pads for evaluator 0: it gets each once, and nobody else.
    if (evaluator !== 0) throw new RefusedError("corrections are for evaluator 0");
    if (asked.type === "material" && (asked.kind === "inputs" || asked.kind === "outputs")) {
      throw new RefusedError("a market's rows and results have masks of their own");
    }
    await sendBytes(link, tag, corrections(asked));
  }
}

function joined([first, second]: readonly [Uint8Array, Uint8Array]): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}
