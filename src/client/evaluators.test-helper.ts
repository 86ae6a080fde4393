// Evaluators for tests of clients: real HTTP servers with real certificates that say whatever a test wants them to say,
// lies included, which the real program never would.
import { createPrivateKey, sign, X509Certificate } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { createAuthority, type Identity, issueIdentity } from "../crypto/certificates.ts";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { Field } from "../field/field.ts";
import { type MarketDocument, parseMarketDocument } from "../market/market-document.ts";
import type { Signer } from "../wire/http-signature.ts";
import { merkleTree, orderLeaves } from "../wire/merkle.ts";
import { type ProblemCode, problemOf } from "../wire/problems.ts";
import {
  type Decision,
  decisionBytes,
  type SignedDecision,
  textOfPeriod,
} from "../wire/records.ts";
import { EvaluatorApi } from "./evaluator-api.ts";
import { fetchTransport } from "./fetch-transport.ts";

export const METER = "0123456789abcdef0123456789abcdef";
export const tools = { field: new Field(), primitives: nodePrimitives };

const authority = await createAuthority("Rosenweg");

export const signedWith = ({ privateKeyPem }: Identity, bytes: Uint8Array): string =>
  sign("sha256", bytes, {
    key: createPrivateKey(privateKeyPem),
    dsaEncoding: "ieee-p1363",
  }).toString("base64");

/** A meter's or supplier's signer. */
export async function signerOf(role: "meter" | "supplier", id: string): Promise<Signer> {
  const identity = await issueIdentity(authority, { role, id });
  return {
    party: { role, id },
    certificateDer: new Uint8Array(new X509Certificate(identity.certificatePem).raw),
    sign: async (bytes) => new Uint8Array(Buffer.from(signedWith(identity, bytes), "base64")),
  };
}

/** What a test evaluator answers: JSON, a problem, or nothing at all. */
type Reply = { readonly status: number; readonly body: unknown } | "silence";
export const ok = (body: unknown, status = 200): Reply => ({ status, body });
export const problem = (code: ProblemCode): Reply => {
  const body = problemOf(code, `this is ${code}`);
  return { status: body.status, body };
};

export const SHAMIR = {
  engine: "shamir",
  parties: 5,
  threshold: 1,
  security: "semi-honest",
  algorithm: "descent",
};

const always = (ct: string) => [{ from: "00:00", ct_per_kwh: ct }];
const TARIFF = { retail: always("30"), feed_in: always("8") };

export interface TestEvaluator {
  readonly number: number;
  identity: Identity;
  /** By the last part of the path that is not a name: "order", "receipt", "inclusion", "period", ... */
  readonly replies: Map<string, (body: Buffer) => Reply>;
  readonly asked: string[];
}

export interface TestMarket {
  readonly market: MarketDocument;
  readonly evaluators: readonly TestEvaluator[];
  readonly apis: readonly EvaluatorApi[];
}

/** A market whose first period begins in a day, and its evaluators, who know nothing yet. */
export async function testMarket(
  setting: Record<string, unknown> = {
    engine: "replicated",
    parties: 3,
    threshold: 1,
    security: "semi-honest",
    algorithm: "descent",
  },
): Promise<TestMarket> {
  const evaluators: TestEvaluator[] = [];
  const urls: string[] = [];
  for (let number = 0; number < Number(setting.parties); number++) {
    const identity = await issueIdentity(authority, { role: "evaluator", id: String(number) });
    const evaluator: TestEvaluator = { number, identity, replies: new Map(), asked: [] };
    evaluators.push(evaluator);
    urls.push(await listening(evaluator));
  }
  const period_s = 900;
  const tomorrow = (Math.floor(Date.now() / 1000 / period_s) + 96) * period_s;
  const market = parseMarketDocument(
    JSON.stringify({
      version: 1,
      id: "rosenweg",
      parameters: { suppliers: ["A", "B"], minimum_group: 2 },
      setting,
      schedule: { period_s, first_period: textOfPeriod(tomorrow) },
      settlement: { tariffs: { A: TARIFF, B: TARIFF } },
      evaluators: urls.map((_, i) => ({
        name: `Evaluator ${i}`,
        url: `https://evaluator-${i}.example`,
        peers: [{ host: "127.0.0.1", port: 1 }],
      })),
      authority: authority.certificatePem,
    }),
  );
  const apis = urls.map(
    (url, evaluator) => new EvaluatorApi({ evaluator, url, send: fetchTransport() }),
  );
  return { market, evaluators, apis };
}

async function listening(evaluator: TestEvaluator): Promise<string> {
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const [, , kind = "", , part, sub] = new URL(request.url!, "http://x").pathname.split("/");
      const last = sub === "inclusion" ? "reading-inclusion" : part;
      const name = last ?? (kind === "periods" && !request.url!.includes("?") ? "period" : kind);
      evaluator.asked.push(name);
      const known = evaluator.replies.get(name);
      const certificate = evaluator.identity.certificatePem;
      const unset = name === "identity" ? ok({ certificate }) : problem("unknown-period");
      const reply = known === undefined ? unset : known(Buffer.concat(chunks));
      if (reply === "silence") return response.destroy();
      return response.writeHead(reply.status).end(JSON.stringify(reply.body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A decision with the signatures of these evaluators. */
export const signedBy = (
  market: TestMarket,
  decision: Decision,
  signers: readonly number[],
): SignedDecision => ({
  decision,
  signatures: signaturesOf(market, decisionBytes(decision), signers),
});

/** Signatures of these evaluators over bytes. */
export const signaturesOf = (
  { evaluators }: TestMarket,
  bytes: Uint8Array,
  signers: readonly number[],
): SignedDecision["signatures"] =>
  signers.map((evaluator) => {
    const { identity } = evaluators[evaluator]!;
    return {
      evaluator,
      certificate: new X509Certificate(identity.certificatePem).raw.toString("base64"),
      signature: signedWith(identity, bytes),
    };
  });

/** A period's agreed set: an order of `METER`, and orders of others around it. */
export function agreedWith(orderId: string, others = 4) {
  const entries = Array.from({ length: others }, (_, i) => ({
    meter: `${i}`.padStart(2, "0").repeat(16),
    orderId: `${i}`.padStart(2, "0").repeat(32),
  }));
  entries.push({ meter: METER, orderId });
  const sorted = entries.toSorted((a, b) => (a.meter < b.meter ? -1 : 1));
  const tree = merkleTree(nodePrimitives, orderLeaves(sorted));
  const position = sorted.findIndex(({ meter }) => meter === METER);
  const agreed = { count: sorted.length, root: tree.root };
  return { agreed, position, path: tree.path(position) };
}

const MODULUS = 2n ** 61n - 1n;

/** What each of three evaluators holds of numbers in replicated sharing: component i, then component i + 1. */
export function replicatedShares(values: readonly bigint[]): string[] {
  const components = values.map((value) => {
    const [a, b] = [randomElement(), randomElement()];
    return [a, b, (((value - a - b) % MODULUS) + MODULUS) % MODULUS];
  });
  return [0, 1, 2].map((i) =>
    elementText([i, (i + 1) % 3].flatMap((k) => components.map((own) => own[k]!))),
  );
}

/** What each evaluator holds of numbers on polynomials of degree 1. */
export const shamirShares = (values: readonly bigint[], parties: number): string[] => {
  const slopes = values.map(() => randomElement());
  return Array.from({ length: parties }, (_, i) =>
    elementText(values.map((value, k) => (value + slopes[k]! * BigInt(i + 1)) % MODULUS)),
  );
};

const randomElement = (): bigint =>
  Buffer.from(nodePrimitives.randomBytes(8)).readBigUInt64LE() % MODULUS;

export const elementText = (elements: readonly bigint[]): string => {
  const bytes = Buffer.alloc(8 * elements.length);
  elements.forEach((element, i) => {
    bytes.writeBigUInt64LE(element, 8 * i);
  });
  return bytes.toString("base64");
};
