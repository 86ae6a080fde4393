// Malicious security with abort for any engine whose sharing fixes a value by the honest parties' shares, so that all a
// lying party can do is add something to the result of a product (Genkin, Ishai, Prabhakaran, Sahai, Tromer 2014).
// Every
// product is recorded; before anything but a uniformly masked value is opened or revealed, all records are verified
// together (verified-claim.ts, verified-fold.ts), and nothing is revealed if that fails.
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import { assert } from "../platform/assert.ts";
import type { Primitives } from "../platform/primitives.ts";
import type {
  Engine,
  EngineStats,
  Factors,
  PassPermutation,
  SignedTerm,
  VerifiableEngine,
} from "./engine.ts";
import { quiet } from "./quiet.ts";
import { Partial, Secret } from "./shared.ts";
import { type CheckRecord, claimOf } from "./verified-claim.ts";
import { checkClaim } from "./verified-fold.ts";
import * as tape from "./verified-tape.ts";

type Shared = Secret | Partial;

/** Secrets up to this length stay until the session ends: Partials that outlive a verification may come from them. */
const KEPT_LENGTH = 2048;

export class VerifiedEngine implements Engine {
  readonly security = "malicious";
  readonly name: string;
  readonly parties: number;
  readonly shufflePasses: number;
  readonly field: Field;
  private readonly inner: VerifiableEngine;
  private readonly primitives: Primitives;
  private readonly traces = new WeakMap<Partial, tape.Trace>();
  /** Since the last verification: records, those still under way, and what may be freed after it. */
  private records: CheckRecord[] = [];
  private underWay: Promise<unknown>[] = [];
  private toFree: Secret[] = [];
  /** Digest of all values opened and verified so far: all parties must have seen the same. */
  private transcript: Uint8Array = new Uint8Array(0);
  private verifying = false;

  constructor(inner: VerifiableEngine, primitives: Primitives) {
    this.inner = inner;
    this.name = inner.name;
    this.parties = inner.parties;
    this.shufflePasses = inner.shufflePasses;
    this.field = inner.field;
    this.primitives = primitives;
  }

  get stats(): EngineStats {
    return this.inner.stats;
  }

  constant(values: ArrayLike<number>): Secret {
    return this.inner.constant(values);
  }

  fromPublic(values: Vector): Secret {
    return this.inner.fromPublic(values);
  }

  signedSum(terms: readonly SignedTerm[], constant: number): Secret {
    return this.inner.signedSum(terms, constant);
  }

  add<T extends Shared>(a: T, b: T): T {
    return this.traced(this.inner.add(a, b), () =>
      tape.sumTrace(this.field, this.traceOf(a), this.traceOf(b), 1),
    );
  }

  sub<T extends Shared>(a: T, b: T): T {
    return this.traced(this.inner.sub(a, b), () =>
      tape.sumTrace(this.field, this.traceOf(a), this.traceOf(b), -1),
    );
  }

  scale<T extends Shared>(a: T, k: number): T {
    return this.traced(this.inner.scale(a, k), () =>
      tape.scaleTrace(this.field, this.traceOf(a), k),
    );
  }

  addNumber<T extends Shared>(a: T, k: number): T {
    return this.traced(this.inner.addNumber(a, k), () => tape.addNumberTrace(this.traceOf(a), k));
  }

  mulPublic<T extends Shared>(a: T, values: Vector): T {
    return this.traced(this.inner.mulPublic(a, values), () =>
      tape.mulPublicTrace(this.field, this.traceOf(a), values),
    );
  }

  sum<T extends Shared>(a: T): T {
    return this.traced(this.inner.sum(a), () => tape.totalTrace(this.field, this.traceOf(a)));
  }

  prefixSums<T extends Shared>(a: T): T {
    return this.traced(this.inner.prefixSums(a), () =>
      tape.prefixSumsTrace(this.field, this.traceOf(a)),
    );
  }

  blockSums<T extends Shared>(a: T, blockLength: number): T {
    return this.traced(this.inner.blockSums(a, blockLength), () =>
      tape.blockSumsTrace(this.field, this.traceOf(a), blockLength),
    );
  }

  slice<T extends Shared>(a: T, from: number, to: number): T {
    return this.traced(this.inner.slice(a, from, to), () =>
      tape.sliceTrace(this.traceOf(a), from, to),
    );
  }

  concat<T extends Shared>(parts: readonly T[]): T {
    return this.traced(this.inner.concat(parts), () =>
      tape.concatTrace(parts.map((part) => this.traceOf(part))),
    );
  }

  gather<T extends Shared>(a: T, indices: Uint32Array): T {
    return this.traced(this.inner.gather(a, indices), () =>
      tape.gatherTrace(this.traceOf(a), indices),
    );
  }

  scatter<T extends Shared>(a: T, indices: Uint32Array): T {
    return this.traced(this.inner.scatter(a, indices), () =>
      tape.scatterTrace(this.field, this.traceOf(a), indices),
    );
  }

  tile<T extends Shared>(a: T, count: number): T {
    return this.traced(this.inner.tile(a, count), () =>
      tape.concatTrace(new Array<tape.Trace>(count).fill(this.traceOf(a))),
    );
  }

  /** Partials at once; Secrets after the next verification, which may need them. */
  free(...values: Shared[]): void {
    for (const value of values) {
      if (value instanceof Partial) this.inner.free(value);
      else if (value.length > KEPT_LENGTH) this.toFree.push(value);
    }
  }

  partial(a: Secret): Partial {
    return this.traced(this.inner.partial(a), () => tape.secretTrace(a));
  }

  partialProducts(factors: Factors): Partial {
    return this.traced(this.inner.partialProducts(factors), () => tape.productsTrace(factors));
  }

  partialDots(factors: Factors): Partial {
    return this.traced(this.inner.partialDots(factors), () => tape.dotsTrace(factors));
  }

  reshare(a: Partial): Promise<Secret> {
    return this.recorded(this.traceOf(a), this.inner.reshare(a));
  }

  mulSum(factors: Factors, plus?: Secret | Partial): Promise<Secret> {
    let trace = tape.productsTrace(factors);
    if (plus !== undefined) {
      const added = plus instanceof Secret ? tape.secretTrace(plus) : this.traceOf(plus);
      trace = tape.sumTrace(this.field, trace, added, 1);
    }
    return this.recorded(trace, this.inner.mulSum(factors, plus));
  }

  open(a: Secret | Partial): Promise<Vector> {
    if (a instanceof Secret) return this.inner.openChecked(a, "opening");
    return this.recorded(this.traceOf(a), this.inner.open(a));
  }

  /** Rounds: those of a verification, and 1 for a Secret or 2 for a Partial. */
  async openVerified(a: Secret | Partial): Promise<Vector> {
    const secret = a instanceof Secret ? a : await this.reshare(a);
    await this.verify();
    return this.inner.openChecked(secret, "reveal");
  }

  randomBits(count: number): Promise<Secret> {
    return this.inner.randomBitsOver(this, count);
  }

  random(count: number): Promise<Secret> {
    return this.inner.random(count);
  }

  coin(): Promise<Uint8Array> {
    return this.inner.coinOver(this.transcript);
  }

  stockMasks(count: number): Promise<void> {
    return this.inner.stockMasks(count);
  }

  assertZero(a: Secret | Partial): void {
    const trace = a instanceof Secret ? tape.secretTrace(a) : this.traceOf(a);
    this.records.push({ trace, value: null });
  }

  checkpoint(): Promise<void> {
    return this.verify();
  }

  drawPermutation(pass: number, length: number): Promise<PassPermutation> {
    return this.inner.drawPermutation(pass, length);
  }

  permute(columns: readonly Secret[], by: PassPermutation, back: boolean): Promise<Secret[]> {
    return this.inner.permute(columns, by, back);
  }

  async reveal(values: readonly Secret[]): Promise<Uint8Array[]> {
    await this.verify();
    return values.map((value) => this.inner.outputShare(value));
  }

  end(): void {
    this.inner.end();
  }

  /**
   * Verifies all records since the last time: AbortError if a product, or a value opened by somebody, was not what it
   * should have been. Rounds: 1, 2 per fold (about 5 for 10,000 products, 10 for a million), and 2.
   */
  private async verify(): Promise<void> {
    assert(!this.verifying, "one verification at a time, and nothing beside it");
    this.verifying = true;
    await Promise.all(this.underWay);
    const { records, toFree } = this;
    this.records = [];
    this.underWay = [];
    this.toFree = [];
    if (records.length > 0) {
      for (const { value } of records) this.transcript = this.extended(value);
      // The weights are fixed after everybody has everything that is verified; and all have opened the same values.
      const coin = await this.inner.coinOver(this.transcript);
      const prg = this.primitives.prg(this.primitives.sha256(coin).subarray(0, 16));
      await checkClaim(this.inner, claimOf(this.inner, records, prg));
      // Nobody goes on before everybody has found the claim true: a coin takes a message of each.
      await this.inner.coinOver(this.transcript);
      for (const { value } of records) {
        if (value !== null && !(value instanceof Secret)) this.field.free(value);
      }
    }
    this.inner.free(...toFree);
    this.verifying = false;
  }

  /** Notes, in the order of the calls, that `result` will be taken for what `trace` computes. */
  private recorded<T extends Secret | Vector>(trace: tape.Trace, result: Promise<T>): Promise<T> {
    const { records } = this;
    const index = records.length;
    records.push({ trace, value: null });
    const noted = result.then((value) => {
      records[index] = { trace, value: value instanceof Secret ? value : this.copied(value) };
      return value;
    });
    this.underWay.push(noted);
    return quiet(noted);
  }

  /** A copy of an opened value: the caller may free it. */
  private copied(opened: Vector): Vector {
    const kept = this.field.alloc(opened.length);
    this.field.copy(kept, opened);
    return kept;
  }

  private extended(value: CheckRecord["value"]): Uint8Array {
    if (value === null || value instanceof Secret) return this.transcript;
    return this.primitives.sha256(this.transcript, this.field.toBytes(value));
  }

  private traced<T extends Shared>(result: T, trace: () => tape.Trace): T {
    if (result instanceof Partial) this.traces.set(result, trace());
    return result;
  }

  private traceOf(a: Shared): tape.Trace {
    const trace = a instanceof Partial ? this.traces.get(a) : undefined;
    assert(trace !== undefined, "a Partial comes from the engine that takes it");
    return trace;
  }
}
