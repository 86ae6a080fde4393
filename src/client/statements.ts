// What evaluators have signed in common: asked of all of them, believed when a majority has signed it. Any two
// majorities have an evaluator in common, so two statements about the same are proof that somebody broke the rules.
import { messageOf } from "../platform/errors.ts";
import type { SignedDecision } from "../wire/records.ts";
import { type Check, evaluatorNames } from "./checks.ts";
import { ApiError, type CallOptions, type EvaluatorApi } from "./evaluator-api.ts";
import { type Trust, TrustError } from "./trust.ts";

/** A statement with the signatures of evaluators. */
export interface Signed<T> {
  readonly statement: T;
  readonly signatures: SignedDecision["signatures"];
}

/** What one evaluator said when it was asked. */
export interface Heard<Record> {
  readonly evaluator: number;
  /** Null when it did not answer, or does not know what it was asked about. */
  readonly record: Record | null;
  /** Why it did not answer. */
  readonly problem: string | null;
}

/** One kind of statement. */
export interface StatementKind<T> {
  /** For messages: "decision", "settlement". */
  readonly name: string;
  /** What it is about. */
  readonly subject: string;
  /** What is signed. */
  readonly bytes: (statement: T) => Uint8Array<ArrayBuffer>;
  /** For whoever compares two that contradict each other. */
  readonly summary: (statement: T) => string;
  /** Whether it is about its subject and can be, whatever was found. */
  readonly isRight: (statement: T) => boolean;
}

export interface Believed<T> {
  readonly statement: T;
  /** Who has signed it. */
  readonly signers: readonly number[];
  /** Their signatures: those that were found right. */
  readonly signatures: SignedDecision["signatures"];
  readonly checks: readonly Check[];
}

/** Evaluators have signed different statements about the same: who said what, with signatures, as evidence. */
export class EvaluatorsDisagreeError extends Error {
  override readonly name = "EvaluatorsDisagreeError";
  readonly statements: readonly { readonly evaluator: number; readonly said: Signed<unknown> }[];

  constructor(
    subject: string,
    summaries: readonly string[],
    statements: EvaluatorsDisagreeError["statements"],
  ) {
    const all = statements.map(({ evaluator }, i) => `evaluator ${evaluator}: ${summaries[i]}`);
    super(`evaluators disagree about ${subject}: ${all.join("; ")}`);
    this.statements = statements;
  }
}

/** Nobody answered, or nobody has what is needed; says what each one said. */
export class UnavailableError extends Error {
  override readonly name = "UnavailableError";
}

/** Asks all evaluators the same. Rejects only when the signal is aborted. */
export const hearAll = <Record>(
  apis: readonly EvaluatorApi[],
  ask: (api: EvaluatorApi) => Promise<Record>,
  { signal }: CallOptions,
): Promise<Heard<Record>[]> =>
  Promise.all(
    apis.map(async (api) => {
      const { evaluator } = api;
      try {
        return { evaluator, record: await ask(api), problem: null };
      } catch (error) {
        signal?.throwIfAborted();
        const unknown = error instanceof ApiError && error.status === 404;
        return { evaluator, record: null, problem: unknown ? null : messageOf(error) };
      }
    }),
  );

/** One statement that some evaluators gave, with whoever has signed it. */
interface Version<T> {
  readonly said: Signed<T>;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly givenBy: number[];
  readonly signers: Set<number>;
  readonly signatures: SignedDecision["signatures"];
  readonly problems: string[];
}

/**
 * The statement that evaluators gave; null when those that answered have none yet. Throws UnavailableError when nobody
 * answered, TrustError when too few of all `parties` have signed it, EvaluatorsDisagreeError when there are several.
 */
export async function commonStatement<T>(
  parties: number,
  trust: Trust,
  kind: StatementKind<T>,
  heard: readonly Heard<Signed<T> | null>[],
): Promise<Believed<T> | null> {
  const silent = heard.filter(({ problem }) => problem !== null);
  if (silent.length === heard.length) {
    throw new UnavailableError(silent.map(({ problem }) => problem).join("; "));
  }
  const versions = await versionsOf(trust, kind, heard);
  if (versions.length === 0) return null;
  const majority = (parties >> 1) + 1;
  const valid = versions.filter(({ signers }) => signers.size >= majority);
  const signed = versions.filter(
    (version) =>
      valid.includes(version) || version.givenBy.some((giver) => version.signers.has(giver)),
  );
  if (signed.length > 1) throw disagreement(kind, signed);
  const [version] = valid;
  const what = `the ${kind.name} about ${kind.subject}`;
  if (version === undefined) {
    const found = versions.flatMap(({ signers, problems }) => [
      `${signers.size} of at least ${majority} signatures`,
      ...problems,
    ]);
    throw new TrustError(`${what} cannot be believed: ${found.join("; ")}`);
  }
  const { statement } = version.said;
  if (!kind.isRight(statement)) throw new TrustError(`${what} is no ${kind.name}`);
  const signers = [...version.signers].toSorted((a, b) => a - b);
  const checks = checksOf(kind, heard, versions, version, signers);
  return { statement, signers, signatures: version.signatures, checks };
}

async function versionsOf<T>(
  trust: Trust,
  kind: StatementKind<T>,
  heard: readonly Heard<Signed<T> | null>[],
): Promise<Version<T>[]> {
  const versions = new Map<string, Version<T>>();
  for (const { evaluator, record: said } of heard) {
    if (said === null) continue;
    const bytes = kind.bytes(said.statement);
    const text = new TextDecoder().decode(bytes);
    const nobody = { givenBy: [], signers: new Set<number>(), signatures: [] };
    const fresh: Version<T> = { said, bytes, ...nobody, problems: [] };
    const version = versions.get(text) ?? fresh;
    versions.set(text, version);
    version.givenBy.push(evaluator);
    for (const given of said.signatures) {
      const { evaluator: signer, certificate, signature } = given;
      if (version.signers.has(signer)) continue;
      try {
        await trust.verify(signer, certificate, bytes, signature);
        version.signers.add(signer);
        version.signatures.push(given);
      } catch (error) {
        if (!(error instanceof TrustError)) throw error;
        version.problems.push(error.message);
      }
    }
  }
  return [...versions.values()];
}

function disagreement<T>(
  { subject, summary }: StatementKind<T>,
  versions: readonly Version<T>[],
): EvaluatorsDisagreeError {
  const all = versions.flatMap(({ said, givenBy }) =>
    givenBy.map((evaluator) => ({ evaluator, said })),
  );
  const summaries = all.map(({ said }) => summary(said.statement));
  return new EvaluatorsDisagreeError(subject, summaries, all);
}

function checksOf<T>(
  { name }: StatementKind<T>,
  heard: readonly Heard<Signed<T> | null>[],
  versions: readonly Version<T>[],
  version: Version<T>,
  signers: readonly number[],
): Check[] {
  const silent = heard.flatMap(({ problem }) => problem ?? []);
  const behind = heard.filter(({ record, problem }) => problem === null && record === null);
  const found = [
    ...silent,
    ...behind.map(({ evaluator }) => `evaluator ${evaluator} has none yet`),
  ];
  const others = versions.filter((one) => one !== version);
  const unsigned = others.flatMap(({ givenBy }) => givenBy);
  return [
    {
      name: "answers",
      ok: found.length === 0,
      detail: found.length === 0 ? `all evaluators gave the ${name}` : found.join("; "),
    },
    {
      name,
      ok: unsigned.length === 0,
      detail:
        unsigned.length === 0
          ? `the same from ${evaluatorNames(version.givenBy)}`
          : `${evaluatorNames(unsigned)} gave another one that too few have signed`,
    },
    {
      name: "signatures",
      ok: version.problems.length === 0,
      detail: [`signed by ${evaluatorNames(signers)}`, ...version.problems].join("; "),
    },
  ];
}
