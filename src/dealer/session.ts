// A dealer's sessions, and its side of a link. What is dealt stands in sharing/dealer.ts, the messages in
// wire/dealer-messages.ts. A session belongs to the operator that opened it and lasts as long as the operator's link;
// what it deals can be put together by nobody but the dealer, as long as each evaluator keeps its seed to itself.
import { ChannelError, type Link } from "../channel/channel.ts";
import { sendBytes } from "../channel/long-messages.ts";
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import type { Primitives } from "../platform/primitives.ts";
import { Dealing } from "../sharing/dealer.ts";
import {
  DEALER_TAGS,
  type DealerRequest,
  dealerRequestSchema,
  MAX_DEALER_REQUEST_BYTES,
  SESSION_BYTES,
  SESSION_SEED_BYTES,
  sessionText,
} from "../wire/dealer-messages.ts";
import { decodeJson, MessageError } from "../wire/session-messages.ts";
import { correctionsFor, RefusedError } from "./corrections.ts";

interface Session {
  readonly dealing: Dealing;
  readonly operator: Link;
  /** By evaluator; null once it has been handed out. */
  readonly seeds: (Uint8Array | null)[];
}

/** What an evaluator's link has joined, if it gets corrections. */
interface Visit {
  session: string | null;
}

/** Sessions that a dealer holds at a time. */
const MAX_SESSIONS = 1024;

/** Who is at the other end of a link: an evaluator by its number, or an operator. */
export type Caller = { readonly evaluator: number } | "operator";

export interface DealerTools {
  readonly field: Field;
  readonly primitives: Primitives;
  readonly log: (message: string) => void;
}

export class Dealer {
  private readonly tools: DealerTools;
  private readonly sessions = new Map<string, Session>();

  constructor(tools: DealerTools) {
    this.tools = tools;
  }

  /** Answers what comes over a link until it ends. A request that is refused ends it. */
  async serve(link: Link, caller: Caller): Promise<void> {
    const visit: Visit = { session: null };
    try {
      for (let tag: number = DEALER_TAGS.answers; ; tag++) {
        const bytes = await link.receiveFrame(DEALER_TAGS.requests, MAX_DEALER_REQUEST_BYTES);
        const request = decodeJson(dealerRequestSchema, bytes);
        const answer = this.answer(request, link, caller, visit);
        await sendBytes(link, tag, answer);
      }
    } catch (error) {
      const expected = error instanceof ChannelError && error.code === "peer-closed";
      if (!expected) this.tools.log(`${link.peer}: ${reasonOf(error)}`);
    } finally {
      link.close();
      this.endSessionsOf(link);
    }
  }

  private answer(request: DealerRequest, link: Link, caller: Caller, visit: Visit): Uint8Array {
    if (caller === "operator") {
      if (request.type === "open") return this.open(link, request.parties);
      if (request.type === "masks") {
        const session = this.session(request.session);
        if (session.operator !== link) throw new RefusedError("the session is another operator's");
        return this.bytesOf(session.dealing.masks(request.kind, request.count));
      }
      throw new RefusedError("an operator opens sessions and asks for masks, no more");
    }
    if (request.type === "join") {
      const session = this.session(request.session);
      const seed = session.seeds[caller.evaluator];
      if (seed === undefined) throw new RefusedError("the session has fewer evaluators");
      if (seed === null) throw new RefusedError("an evaluator joins a session once");
      session.seeds[caller.evaluator] = null;
      if (caller.evaluator === 0) visit.session = request.session;
      return seed;
    }
    // Corrections are one-time pads for evaluator 0: it gets each once, and nobody else.
    if (visit.session === null)
      throw new RefusedError("corrections are for evaluator 0 that joined");
    const joined = this.session(visit.session).dealing;
    if (request.type === "material" && (request.kind === "rows" || request.kind === "results")) {
      throw new RefusedError("only a market's dealer has masks of its own");
    }
    return correctionsFor(this.tools, joined, request);
  }

  private open(link: Link, parties: number): Uint8Array {
    if (this.sessions.size >= MAX_SESSIONS) throw new RefusedError("there are too many sessions");
    const { field, primitives } = this.tools;
    const name = primitives.randomBytes(SESSION_BYTES);
    const seeds = Array.from({ length: parties }, () => primitives.randomBytes(SESSION_SEED_BYTES));
    const dealing = new Dealing(field, primitives, seeds);
    this.sessions.set(sessionText(name), { dealing, operator: link, seeds });
    return name;
  }

  private session(name: string): Session {
    const session = this.sessions.get(name);
    if (session === undefined) throw new RefusedError("there is no such session");
    return session;
  }

  private endSessionsOf(operator: Link): void {
    for (const [name, session] of this.sessions) {
      if (session.operator !== operator) continue;
      this.sessions.delete(name);
      session.dealing.end();
    }
  }

  /** Frees the vector. */
  private bytesOf(vector: Vector): Uint8Array {
    const bytes = this.tools.field.toBytes(vector);
    this.tools.field.free(vector);
    return bytes;
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof RefusedError) return `refused: ${error.message}`;
  if (error instanceof ChannelError || error instanceof MessageError) return error.message;
  return "unexpected failure";
}
