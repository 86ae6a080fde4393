// For tests over HTTPS: an evaluator's real service on a real database, with parties of a market of its own and time
// that the test sets.
import { mkdtempSync, rmSync } from "node:fs";
import { Agent, type RequestOptions, request as send } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { destination, pino } from "pino";
import { expect, onTestFinished } from "vitest";
import {
  type Authority,
  createAuthority,
  type IssueOptions,
  issueIdentity,
} from "../../crypto/certificates.ts";
import { nodePrimitives } from "../../crypto/node-primitives.ts";
import type { Party } from "../../crypto/party.ts";
import { PartyVerifier } from "../../crypto/party-verifier.ts";
import { type IdentitySigner, signerOf } from "../../crypto/signing-key.ts";
import { type MarketDocument, parseMarketDocument } from "../../market/market-document.ts";
import { orderLayout } from "../../market/order-layout.ts";
import { orderPieces, readingPieces } from "../../market/order-pieces.ts";
import { readingLayout } from "../../market/reading.ts";
import { systemClock } from "../../platform/clock.ts";
import type { WebListener } from "../../platform/web-listener.ts";
import type { EvaluatorStore, Lease } from "../../storage/evaluator-store.ts";
import { openStore } from "../../storage/open-store.ts";
import { type RequestToSign, signRequest } from "../../wire/http-signature.ts";
import {
  encodeOrder,
  marketTag,
  ORDER_MEDIA_TYPE,
  type OrderHeader,
  type Pieces,
  READING_MEDIA_TYPE,
} from "../../wire/order-body.ts";
import {
  codeOfProblem,
  PROBLEM_MEDIA_TYPE,
  PROBLEMS,
  type ProblemCode,
  problemSchema,
} from "../../wire/problems.ts";
import { textOfPeriod } from "../../wire/records.ts";
import { EvaluatorMetrics } from "../metrics.ts";
import type { HttpLimits } from "./context.ts";
import { ENDPOINTS, type Endpoint } from "./endpoints.ts";
import { problemsOf } from "./openapi.ts";
import { createHttpService, type HttpService } from "./service.ts";

/** 2025-06-01T12:00:00Z, a period that can be ordered for at NOW. */
export const PERIOD = 1_748_779_200;
export const PERIOD_S = 900;
export const GATE = PERIOD - 2 * PERIOD_S;
export const NOW = GATE - 1000;
export const METER = "00112233445566778899aabbccddeeff";
export const EVALUATOR = 1;

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** The text read as JSON; undefined where it is none. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every form
  readonly json: any;
}

type BodyHeader = Partial<OrderHeader & { readonly marketId: string }>;

export interface ServiceOptions {
  readonly engine?: "replicated" | "shamir";
  readonly limits?: Partial<HttpLimits>;
  /** Whether the market has settlement. */
  readonly settlement?: boolean;
  /** Orders are stored after this only. */
  readonly storing?: Promise<void>;
  /** A listener for browsers, with files in the test's folder if it has some. */
  readonly web?: WebListener | ((folder: string) => WebListener);
}

/** Periods are settled four periods after delivery, months closed five days after their end. */
const SETTLEMENT = {
  time_zone: "Europe/Berlin",
  tariffs: Object.fromEntries(
    ["Nord", "Sued", "West"].map((name) => [
      name,
      {
        retail: [{ from: "00:00", ct_per_kwh: "32" }],
        feed_in: [{ from: "00:00", ct_per_kwh: "8" }],
      },
    ]),
  ),
};

const marketOf = (authority: Authority, engine: string, settlement: boolean): MarketDocument =>
  parseMarketDocument(
    JSON.stringify({
      version: 1,
      id: "rosenweg",
      parameters: { suppliers: ["Nord", "Sued", "West"], minimum_group: 2 },
      setting: {
        engine,
        parties: 3,
        threshold: 1,
        security: "semi-honest",
        algorithm: "descent",
      },
      schedule: { period_s: PERIOD_S, first_period: "2025-06-01T00:00:00Z", open_periods: 8 },
      ...(settlement ? { settlement: SETTLEMENT } : {}),
      evaluators: [0, 1, 2].map((number) => ({
        name: `Evaluator ${number}`,
        url: `https://evaluator-${number}.example`,
        peers: [{ host: "127.0.0.1", port: 1 }],
      })),
      authority: authority.certificatePem,
    }),
  );

type Parts = Pick<
  TestService,
  | "market"
  | "authority"
  | "verifier"
  | "metrics"
  | "store"
  | "http"
  | "port"
  | "webPort"
  | "time"
  | "logFile"
  | "databaseFile"
>;

export class TestService {
  readonly market: MarketDocument;
  readonly authority: Authority;
  readonly verifier: PartyVerifier;
  readonly metrics: EvaluatorMetrics;
  readonly store: EvaluatorStore;
  readonly http: HttpService;
  readonly port: number;
  readonly webPort: number | null;
  /** Market time in seconds; the test moves it. */
  readonly time: { nowS: number };
  /** What was logged, a JSON object per line. */
  readonly logFile: string;
  /** The file of the database. */
  readonly databaseFile: string;
  readonly #agent: Agent;

  private constructor(parts: Parts) {
    this.market = parts.market;
    this.authority = parts.authority;
    this.verifier = parts.verifier;
    this.metrics = parts.metrics;
    this.store = parts.store;
    this.http = parts.http;
    this.port = parts.port;
    this.webPort = parts.webPort;
    this.time = parts.time;
    this.logFile = parts.logFile;
    this.databaseFile = parts.databaseFile;
    this.#agent = new Agent({
      ca: parts.authority.certificatePem,
      keepAlive: true,
      maxSockets: 64,
    });
    onTestFinished(() => this.#agent.destroy());
  }

  /** Starts evaluator 1's service; it is closed after the test. */
  static async start({
    engine,
    limits,
    settlement,
    storing,
    web,
  }: ServiceOptions = {}): Promise<TestService> {
    const folder = mkdtempSync(join(tmpdir(), "hw-http-"));
    const logFile = join(folder, "log");
    const authority = await createAuthority("Rosenweg");
    const market = marketOf(authority, engine ?? "replicated", settlement ?? false);
    const party = { role: "evaluator", id: String(EVALUATOR) } as const;
    const identity = await issueIdentity(authority, party, { hosts: ["127.0.0.1"] });
    const databaseFile = join(folder, "evaluator.db");
    const store = await openStore(`sqlite:${databaseFile}`);
    const log = pino({ level: "debug" }, destination({ dest: logFile, sync: true }));
    const metrics = new EvaluatorMetrics(log);
    const verifier = new PartyVerifier(authority.certificatePem);
    const time = { nowS: NOW };
    const http = await createHttpService({
      market,
      marketClock: { nowS: () => time.nowS, msUntil: () => 0 },
      clock: systemClock,
      index: EVALUATOR,
      identity,
      store: storing === undefined ? store : delayed(store, storing),
      verifier,
      log,
      metrics,
      ...(limits === undefined ? {} : { limits }),
      ...(web === undefined ? {} : { web: typeof web === "function" ? web(folder) : web }),
    });
    const port = await http.listen({ host: "127.0.0.1", port: 0 });
    const webPort = await http.listenWeb();
    onTestFinished(async () => {
      await http.close();
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    });
    return new TestService({
      market,
      authority,
      verifier,
      metrics,
      store,
      http,
      port,
      webPort,
      time,
      logFile,
      databaseFile,
    });
  }

  /** The signer of a party with a certificate of this market. */
  async signer(party: Party, options: IssueOptions = {}): Promise<IdentitySigner> {
    return signerOf(await issueIdentity(this.authority, party, options));
  }

  /** A meter's signer, customer of supplier 1. */
  meter(id = METER): Promise<IdentitySigner> {
    return this.signer({ role: "meter", id }, { supplier: 1 });
  }

  /** Sends a request, and resolves with the answer, whatever it is, once it has been held against the description. */
  async request(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>> = {},
    body?: Uint8Array,
    { chunked = false } = {},
  ): Promise<Reply> {
    const reply = await this.#exchange(method, path, headers, body, chunked);
    expectDescribed(method, path, reply);
    return reply;
  }

  #exchange(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array | undefined,
    chunked: boolean,
  ): Promise<Reply> {
    const options: RequestOptions = { port: this.port, host: "127.0.0.1", agent: this.#agent };
    const length = body === undefined || chunked ? {} : { "content-length": String(body.length) };
    return new Promise((resolve, reject) => {
      const sent = send(
        { ...options, method, path, headers: { ...length, ...headers } },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on("data", (chunk: Buffer) => chunks.push(chunk));
          answer.on("error", reject);
          answer.on("end", () => {
            const text = Buffer.concat(chunks).toString();
            resolve({
              status: answer.statusCode!,
              headers: answer.headers as Record<string, string>,
              text,
              json: jsonOf(text),
            });
          });
        },
      );
      sent.on("error", reject);
      if (chunked) sent.flushHeaders();
      sent.end(body);
    });
  }

  /** Sends a signed request; with a body, as an order. */
  async signed(
    signer: IdentitySigner,
    method: string,
    path: string,
    body?: Uint8Array,
    options: { readonly evaluator?: number; readonly createdS?: number } = {},
  ): Promise<Reply> {
    const headers = await this.signatureOf(signer, method, path, body, options);
    return this.request(method, path, headers, body);
  }

  /** The headers of a signed request. */
  signatureOf(
    signer: IdentitySigner,
    method: string,
    path: string,
    body?: Uint8Array,
    options: { readonly evaluator?: number; readonly createdS?: number } = {},
  ): Promise<Record<string, string>> {
    const plain: RequestToSign = { method, path, headers: {} };
    const isReading = path.endsWith("/reading");
    const media = { "content-type": isReading ? READING_MEDIA_TYPE : ORDER_MEDIA_TYPE };
    const request = body === undefined ? plain : { ...plain, headers: media, body };
    const createdS = options.createdS ?? systemClock.utcMs() / 1000;
    return signRequest(request, signer, options.evaluator ?? EVALUATOR, createdS);
  }

  /** Sends a meter's order. */
  submit(signer: IdentitySigner, body: Uint8Array, start = PERIOD): Promise<Reply> {
    return this.signed(signer, "PUT", orderPath(start), body);
  }

  /** Sends a meter's reading. */
  read(signer: IdentitySigner, body: Uint8Array, start = PERIOD): Promise<Reply> {
    return this.signed(signer, "PUT", `${periodPath(start)}/reading`, body);
  }

  /** The bodies of an order by evaluator. Its shares are random: nothing here looks into them. */
  bodies(header: BodyHeader = {}): Uint8Array[] {
    const { grid, energyBits } = this.market.parameters;
    const layout = orderLayout(grid.bits, energyBits, this.market.suppliers.length);
    return this.#bodies(orderPieces(this.market.setting, layout), header);
  }

  /** The same of a reading. */
  readings(header: BodyHeader = {}): Uint8Array[] {
    const layout = readingLayout(this.market.parameters.energyBits);
    return this.#bodies(readingPieces(this.market.setting, layout), header);
  }

  #bodies(pieces: Pieces, header: BodyHeader): Uint8Array[] {
    const contents = pieces.byteLengths.map((length) => nodePrimitives.randomBytes(length));
    const streams = [0, 1, 2].map((party) => pieces.heldBy(party).map((piece) => contents[piece]!));
    const market = marketTag(nodePrimitives, header.marketId ?? this.market.id);
    const full = { market, meter: METER, periodStart: PERIOD, sequence: 1, ...header };
    return encodeOrder(nodePrimitives, full, pieces, streams);
  }

  /** The body of an order for this evaluator. */
  body(header: BodyHeader = {}): Uint8Array {
    return this.bodies(header)[EVALUATOR]!;
  }

  /** The body of a reading for this evaluator. */
  reading(header: BodyHeader = {}): Uint8Array {
    return this.readings(header)[EVALUATOR]!;
  }

  /** The lease of a leader, which may change periods. */
  async lease(): Promise<Lease> {
    const lease = await this.store.takeLease("test", "test", systemClock.utcMs(), 60_000);
    if (lease === null) throw new Error("the lease is taken");
    return lease;
  }
}

/** The store, slow to take orders. */
const delayed = (store: EvaluatorStore, storing: Promise<void>): EvaluatorStore =>
  new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return async (...values: unknown[]) => {
        if (name === "addOrders") await storing;
        return member.apply(target, values);
      };
    },
  });

export const periodPath = (start = PERIOD): string => `/v1/periods/${textOfPeriod(start)}`;
export const orderPath = (start = PERIOD): string => `${periodPath(start)}/order`;

const pathPattern = (path: string) => new RegExp(`^${path.replace(/\{\w+\}/g, "[^/]+")}$`);

/** What the description of the API says of an answer must be so. */
function expectDescribed(method: string, path: string, { status, headers, json }: Reply): void {
  const [name] = path.split("?");
  const endpoint: Endpoint | undefined = Object.values<Endpoint>(ENDPOINTS).find(
    (one) => one.method === method && pathPattern(one.path).test(name!),
  );
  if (status >= 400 && method !== "HEAD") {
    expect(headers["content-type"]).toBe(PROBLEM_MEDIA_TYPE);
    const problem = problemSchema.parse(json);
    const { status: right, title } = PROBLEMS[codeOfProblem(problem)];
    expect(problem).toMatchObject({ status: right, title });
    expect(status).toBe(right);
    if (endpoint !== undefined) expect(problemsOf(endpoint)).toContain(codeOfProblem(problem));
  } else if (endpoint !== undefined) {
    const answer = endpoint.answers[status];
    expect([status, answer]).toEqual([status, expect.anything()]);
    expect(headers["content-type"]).toMatch(new RegExp(`^${endpoint.mediaType}(;|$)`));
    answer?.schema?.parse(json);
  }
  expect(headers["access-control-allow-origin"]).toBe("*");
}

/** The code and the detail of a refusal. */
export function problem({ json }: Reply): [code: ProblemCode, detail: string] {
  const details = problemSchema.parse(json);
  return [codeOfProblem(details), details.detail];
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
