// What meters and suppliers do around a clearing with a dealer: mask orders with numbers that the dealer told them, and
// unmask results. Evaluators all receive the same bytes, and all send the same.
import type { Link } from "../channel/channel.ts";
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import { ELEMENT_BYTES } from "../field/prime.ts";
import type { Order } from "../market/order.ts";
import { type OrderLayout, orderRows } from "../market/order-layout.ts";
import { DealerLink } from "../mpc/dealer-access.ts";
import { InconsistentSharesError } from "../sharing/replicated.ts";
import { SESSION_BYTES, sessionText } from "../wire/dealer-messages.ts";

/** Masks asked for at once. */
const MASKS_AT_ONCE = 2 ** 17;

export class ClientDealing {
  /** The session's name, for the evaluators. */
  readonly id: string;
  private readonly field: Field;
  private readonly dealer: DealerLink;

  private constructor(field: Field, dealer: DealerLink, id: string) {
    this.field = field;
    this.dealer = dealer;
    this.id = id;
  }

  /** Has the dealer open a session for one clearing. It ends with the link. */
  static async open(field: Field, link: Link, parties: number): Promise<ClientDealing> {
    const dealer = new DealerLink(link);
    const name = await dealer.ask({ type: "open", parties }, SESSION_BYTES);
    return new ClientDealing(field, dealer, sessionText(name));
  }

  /**
   * The next orders under masks, layout.bits elements each: what every evaluator receives. Pieces of the orders,
   * one after
   * the other, are all orders.
   */
  async maskOrders(layout: OrderLayout, orders: readonly Order[]): Promise<Uint8Array> {
    const { field } = this;
    const rows = orderRows(orders, layout);
    const bits = new Uint8Array(orders.length * layout.bits);
    for (let i = 0; i < orders.length; i++) {
      const row = rows.subarray(i * layout.width, i * layout.width + layout.bits);
      bits.set(row, i * layout.bits);
    }
    const values = field.alloc(bits.length);
    field.setNumbers(values, bits);
    const masks = await this.masks("inputs", bits.length);
    field.sub(values, values, masks);
    const bytes = field.toBytes(values);
    field.free(values);
    field.free(masks);
    return bytes;
  }

  /**
   * The next result, from what every evaluator sent of it (Engine.reveal): InconsistentSharesError unless it is the
   * same,
   * as one honest evaluator is enough to vouch for it.
   */
  async result(received: readonly Uint8Array[]): Promise<Vector> {
    const { field } = this;
    const values = sameAtAll(field, received);
    const masks = await this.masks("outputs", values.length);
    field.add(values, values, masks);
    field.free(masks);
    return values;
  }

  private async masks(kind: "inputs" | "outputs", count: number): Promise<Vector> {
    const masks = this.field.alloc(count);
    for (let from = 0; from < count; from += MASKS_AT_ONCE) {
      const length = Math.min(MASKS_AT_ONCE, count - from);
      const request = { type: "masks", session: this.id, kind, count: length } as const;
      const bytes = await this.dealer.ask(request, ELEMENT_BYTES * length);
      this.field.setBytes(masks, bytes, from);
    }
    return masks;
  }
}

/** What all evaluators sent of a result, still under its mask. InconsistentSharesError unless it is the same. */
export function sameAtAll(field: Field, received: readonly Uint8Array[]): Vector {
  const [first] = received;
  const alike = received.every(
    (bytes) => bytes.length === first!.length && bytes.every((byte, at) => byte === first![at]),
  );
  if (!alike) throw new InconsistentSharesError("the evaluators sent different results");
  const values = field.alloc(first!.length / ELEMENT_BYTES);
  field.setBytes(values, first!);
  field.maskPrg(values);
  return values;
}
