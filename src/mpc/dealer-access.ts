// An evaluator's side of the link to a dealer (sharing/dealer.ts says what is dealt).
import type { Link } from "../channel/channel.ts";
import { receiveBytes } from "../channel/long-messages.ts";
import { ELEMENT_BYTES } from "../field/prime.ts";
import { correctionsLength, type MaterialKind, type ShuffleRequest } from "../sharing/dealer.ts";
import {
  DEALER_TAGS,
  type DealerRequest,
  MATERIAL_AT_ONCE,
  SESSION_SEED_BYTES,
} from "../wire/dealer-messages.ts";

/** Sends requests over a link, and receives their answers. */
export class DealerLink {
  private readonly link: Link;
  private asked = 0;

  constructor(link: Link) {
    this.link = link;
  }

  /** The answer, of a length that both sides know. Requests may overlap. */
  ask(request: DealerRequest, answerBytes: number): Promise<Uint8Array> {
    const tag = DEALER_TAGS.answers + this.asked++;
    const answer = receiveBytes(this.link, tag, answerBytes);
    answer.catch(() => {}); // Whoever needs it awaits it, perhaps much later.
    this.link.send(DEALER_TAGS.requests, new TextEncoder().encode(JSON.stringify(request)));
    return answer;
  }
}

/** What an engine needs of the dealer. */
export interface DealerAccess {
  /** Stands for this evaluator's shares of everything that is dealt in the session. */
  readonly seed: Uint8Array;
  /** Corrections of the next MATERIAL_AT_ONCE elements of a kind: for evaluator 0, the same of no other. */
  corrections(kind: MaterialKind): Promise<Uint8Array>;
  shuffleCorrections(request: ShuffleRequest): Promise<Uint8Array>;
}

/** Joins a session of the dealer at the other end of `link`, which each evaluator may do once. */
export async function joinDealing(link: Link, session: string): Promise<DealerAccess> {
  const dealer = new DealerLink(link);
  const seed = await dealer.ask({ type: "join", session }, SESSION_SEED_BYTES);
  return {
    seed,
    corrections(kind) {
      const length = correctionsLength(kind, MATERIAL_AT_ONCE);
      return dealer.ask({ type: "material", kind }, ELEMENT_BYTES * length);
    },
    shuffleCorrections(request) {
      const length = correctionsLength("shuffle", request.columns * request.length);
      return dealer.ask({ type: "shuffle", ...request }, ELEMENT_BYTES * length);
    },
  };
}
