// Requests that must all be refused, made by chance from a seed: valid ones with something changed, and things that
// were never valid. What is changed is never without meaning, so that a request that is taken is a fault.
import { createHash } from "node:crypto";
import { type Signer, signRequest } from "../../src/wire/http-signature.ts";
import { ORDER_MEDIA_TYPE } from "../../src/wire/order-body.ts";
import { textOfPeriod } from "../../src/wire/records.ts";
import { below, type Draw } from "../adversary/draws.test-helper.ts";
import { requestBytes } from "./raw-requests.test-helper.ts";

export interface FuzzedRequest {
  readonly kind: string;
  readonly bytes: Buffer;
  /** Whether it may not be one whole request. */
  readonly alone: boolean;
}

/** What valid requests are made of. */
export interface FuzzMaterial {
  readonly signer: Signer;
  readonly evaluator: number;
  /** A period that is open for orders. */
  readonly periodStart: number;
  /** Bodies of orders for evaluator 1 of three that would be taken. */
  readonly bodies: readonly Uint8Array[];
}

interface ValidRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body?: Uint8Array;
}

type Fuzzer = (draw: Draw, material: FuzzMaterial) => Promise<Omit<FuzzedRequest, "kind">>;

const PERIOD_S = 900;
/** Where an order's sequence number stands: another one would be another order, as good as this. */
const SEQUENCE = [48, 56] as const;
/** The digest of the piece that evaluator 1 does not hold: it cannot know whether it is right. */
const UNKNOWN_DIGEST = [56, 88] as const;

const pick = <T>(draw: Draw, among: readonly T[]): T => among[below(draw, among.length)]!;

const randomBytes = (draw: Draw, length: number): Uint8Array =>
  Uint8Array.from({ length }, () => below(draw, 256));

/** Printable, so that it can stand in a header. */
const randomText = (draw: Draw, length: number): string =>
  String.fromCharCode(...Array.from({ length }, () => 33 + below(draw, 94)));

/** Letters and digits. */
const randomWord = (draw: Draw, length: number): string =>
  Array.from({ length }, () => below(draw, 36).toString(36)).join("");

/** Another byte at `at`. */
function changeByte(draw: Draw, bytes: Uint8Array, at: number): void {
  bytes[at] = bytes[at]! ^ (1 + below(draw, 255));
}

async function signed(
  { signer, evaluator }: FuzzMaterial,
  request: { method: string; path: string; body?: Uint8Array },
  options: { createdS?: number; evaluator?: number } = {},
): Promise<ValidRequest> {
  const { body } = request;
  const plain = body === undefined ? {} : { "content-type": ORDER_MEDIA_TYPE };
  const createdS = options.createdS ?? Date.now() / 1000;
  const toSign = { ...request, headers: plain };
  const headers = await signRequest(toSign, signer, options.evaluator ?? evaluator, createdS);
  if (body !== undefined) headers["content-length"] = String(body.length);
  return { ...request, headers };
}

const orderPath = ({ periodStart }: FuzzMaterial): string =>
  `/v1/periods/${textOfPeriod(periodStart)}/order`;

const signedOrder = (
  draw: Draw,
  material: FuzzMaterial,
  body = pick(draw, material.bodies),
  options = {},
): Promise<ValidRequest> =>
  signed(material, { method: "PUT", path: orderPath(material), body }, options);

/** A request that would be taken: an order, or for a receipt. */
const valid = (draw: Draw, material: FuzzMaterial): Promise<ValidRequest> =>
  draw() < 0.8
    ? signedOrder(draw, material)
    : signed(material, {
        method: "GET",
        path: orderPath(material).replace(/order$/, "receipt"),
      });

const bytesOf = ({ method, path, headers, body }: ValidRequest): Buffer =>
  requestBytes(method, path, headers, body);

/** Whole requests: the server may keep the connection. */
const whole = (request: ValidRequest) => ({
  bytes: bytesOf(request),
  alone: false,
});

/** The values that are signed, and what is signed with them. */
const SIGNED = [
  "hushwatt-evaluator",
  "client-cert",
  "content-type",
  "content-digest",
  "signature-input",
  "signature",
];

const changedHeader: Fuzzer = async (draw, material) => {
  const request = await valid(draw, material);
  const name = pick(
    draw,
    SIGNED.filter((one) => one in request.headers),
  );
  const value = Buffer.from(request.headers[name]!, "latin1");
  // The last character of base64 has bits without meaning.
  const end = name === "signature" ? value.length - 4 : value.length;
  const at = below(draw, end);
  const before = value[at]!;
  while (value[at] === before || /\s/.test(String.fromCharCode(value[at]!))) {
    value[at] = 33 + below(draw, 94);
  }
  request.headers[name] = value.toString("latin1");
  return whole(request);
};

const replacedHeader: Fuzzer = async (draw, material) => {
  const request = await valid(draw, material);
  const name = pick(
    draw,
    SIGNED.filter((one) => one in request.headers),
  );
  const length = 1 + below(draw, 200);
  if (draw() < 0.2) delete request.headers[name];
  else request.headers[name] = randomText(draw, length);
  return whole(request);
};

const unsigned: Fuzzer = async (draw, material) => {
  const request = await valid(draw, material);
  const { signature: _, "signature-input": __, ...headers } = request.headers;
  return whole({ ...request, headers });
};

/** Signed parts of two valid requests, put together. */
const mixed: Fuzzer = async (draw, material) => {
  const first = await signedOrder(draw, material, material.bodies[0]);
  const second = await signedOrder(draw, material, material.bodies[1]);
  const name = pick(draw, ["content-digest", "signature"]);
  first.headers[name] = second.headers[name]!;
  return whole(first);
};

const changedPath: Fuzzer = async (draw, material) => {
  const request = await valid(draw, material);
  const letters = [...request.path];
  const at = 1 + below(draw, letters.length - 1);
  const before = letters[at]!;
  // What follows a question mark is a query: the rest may be the path of something public.
  while ([before, "?", "#"].includes(letters[at]!)) {
    letters[at] = String.fromCharCode(33 + below(draw, 94));
  }
  return whole({ ...request, path: letters.join("") });
};

const changedMethod: Fuzzer = async (draw, material) => {
  const request = await valid(draw, material);
  const methods = ["GET", "PUT", "POST", "DELETE", "PATCH", "TRACE", "PROPFIND", "SEARCH"];
  const others = methods.filter((method) => method !== request.method);
  return { ...whole({ ...request, method: pick(draw, others) }), alone: true };
};

const changedBody: Fuzzer = async (draw, material) => {
  const request = await signedOrder(draw, material);
  const body = new Uint8Array(request.body!);
  for (let changes = 1 + below(draw, 8); changes > 0; changes--) {
    changeByte(draw, body, below(draw, body.length));
  }
  // Two changes of one byte may cancel out.
  if (Buffer.from(request.body!).equals(body)) changeByte(draw, body, 0);
  return whole({ ...request, body });
};

/** A meter that signs an order that is none. */
const signedNonsense: Fuzzer = async (draw, material) => {
  const body = new Uint8Array(pick(draw, material.bodies));
  for (;;) {
    const at = below(draw, body.length);
    if ([SEQUENCE, UNKNOWN_DIGEST].some(([from, to]) => at >= from && at < to)) continue;
    changeByte(draw, body, at);
    return whole(await signedOrder(draw, material, body));
  }
};

const signedRandomBody: Fuzzer = async (draw, material) => {
  const right = material.bodies[0]!.length;
  const length = draw() < 0.3 ? right : below(draw, 3 * right);
  const body = randomBytes(draw, length);
  return whole(await signedOrder(draw, material, body));
};

/** Shorter or longer than an order, the rest as it was, signed. */
const signedOtherLength: Fuzzer = async (draw, material) => {
  const order = pick(draw, material.bodies);
  const body =
    draw() < 0.5
      ? order.slice(0, below(draw, order.length))
      : Buffer.concat([order, randomBytes(draw, 1 + below(draw, 4096))]);
  return whole(await signedOrder(draw, material, body));
};

const wrongTime: Fuzzer = async (draw, material) => {
  const offS = (draw() < 0.5 ? -1 : 1) * (400 + below(draw, 1e8));
  const createdS = Date.now() / 1000 + offS;
  return whole(await signedOrder(draw, material, undefined, { createdS }));
};

const wrongEvaluator: Fuzzer = async (draw, material) => {
  const evaluator = (material.evaluator + 1 + below(draw, 15)) % 16;
  return whole(await signedOrder(draw, material, undefined, { evaluator }));
};

/** A right order at the path of another period, signed. */
const wrongPeriod: Fuzzer = async (draw, material) => {
  const steps = below(draw, 400) - 200;
  const offS = (steps === 0 ? 1 : steps) * PERIOD_S + (draw() < 0.5 ? below(draw, PERIOD_S) : 0);
  const path = orderPath({
    ...material,
    periodStart: material.periodStart + offS,
  });
  return whole(
    await signed(material, {
      method: "PUT",
      path,
      body: pick(draw, material.bodies),
    }),
  );
};

/** Anything after /v1/periods that is no period of the market. */
const nonsensePath: Fuzzer = async (draw) => {
  const digits = (count: number) => String(below(draw, 10 ** count)).padStart(count, "0");
  const time = `${digits(4)}-${digits(2)}-${digits(2)}T${digits(2)}:${digits(2)}:${digits(2)}Z`;
  const anything = encodeURIComponent(randomText(draw, 1 + below(draw, 60)));
  // No period of the market begins at an odd second.
  const segment = draw() < 0.5 ? time.replace(/\dZ$/, "7Z") : `x${anything}`;
  const meter = randomWord(draw, 1 + below(draw, 40));
  const path = pick(draw, [
    `/v1/periods/${segment}`,
    `/v1/periods/${segment}/inclusion/${meter}`,
    `/v1/periods/${segment}/${anything}x`,
    `/v1/periods?from=x${segment}`,
    `/v1/periods?limit=${anything}x`,
    `/v1/periods?${randomWord(draw, 8)}=1`,
    `/v1/x${anything}`,
    `/x${anything}`,
  ]);
  return whole({ method: "GET", path, headers: {} });
};

/** Headers by chance, without a signature. */
const randomHeaders: Fuzzer = async (draw, material) => {
  const names = [...SIGNED.slice(0, 4), "accept", "cookie", "range", "authorization", "te"];
  const headers: Record<string, string> = {};
  for (let count = 1 + below(draw, 40); count > 0; count--) {
    const name = draw() < 0.4 ? pick(draw, names) : `x-${randomWord(draw, 1 + below(draw, 20))}`;
    headers[name] = randomText(draw, 1 + below(draw, draw() < 0.05 ? 20_000 : 60));
  }
  return {
    bytes: requestBytes("PUT", orderPath(material), headers),
    alone: true,
  };
};

/** What HTTP gives a meaning of its own. */
const framing: Fuzzer = async (draw, material) => {
  const request = await signedOrder(draw, material, undefined, { createdS: 1 });
  const length = String(request.body!.length);
  const [name, value] = pick(draw, [
    ["content-length", String(below(draw, 2 ** 31))],
    ["content-length", `-${length}`],
    ["content-length", `${length}, ${length}`],
    ["content-length", randomWord(draw, 6)],
    ["transfer-encoding", "chunked"],
    ["transfer-encoding", randomWord(draw, 6)],
    ["content-encoding", "gzip"],
    ["expect", randomWord(draw, 6)],
    ["expect", "100-continue, x"],
    ["connection", "upgrade"],
    ["upgrade", "h2c"],
    ["content-type", "text/plain"],
    ["content-type", `${ORDER_MEDIA_TYPE};${randomWord(draw, 4)}`],
    ["host", randomText(draw, 20)],
  ]);
  request.headers[name!] = value!;
  return { bytes: bytesOf(request), alone: true };
};

/** Bytes of a request that was refused anyway, changed anywhere: in what separates its parts, too. */
const changedBytes: Fuzzer = async (draw, material) => {
  const bytes = bytesOf(await signedOrder(draw, material, undefined, { createdS: 1 }));
  const headLength = bytes.indexOf("\r\n\r\n") + 4;
  for (let changes = 1 + below(draw, 6); changes > 0; changes--) {
    // PUT stays PUT: some other methods have answers without a body.
    changeByte(draw, bytes, 4 + below(draw, headLength - 4));
  }
  return { bytes, alone: true };
};

const truncated: Fuzzer = async (draw, material) => {
  const bytes = bytesOf(await valid(draw, material));
  const request = bytes.subarray(0, 1 + below(draw, bytes.length - 1));
  return { bytes: request, alone: true };
};

const randomStream: Fuzzer = async (draw) => {
  const bytes = Buffer.from(randomBytes(draw, 1 + below(draw, 600)));
  // A request may begin with empty lines; a connection with nothing else needs no answer.
  if (bytes[0] === 10 || bytes[0] === 13) bytes[0] = 0;
  return { bytes, alone: true };
};

const FUZZERS: readonly (readonly [string, number, Fuzzer])[] = [
  ["a signed header changed", 14, changedHeader],
  ["a signed header replaced", 8, replacedHeader],
  ["signature left out", 2, unsigned],
  ["parts of two requests", 4, mixed],
  ["path changed", 6, changedPath],
  ["method changed", 3, changedMethod],
  ["body changed", 10, changedBody],
  ["nonsense signed", 12, signedNonsense],
  ["random body signed", 6, signedRandomBody],
  ["other length signed", 6, signedOtherLength],
  ["signed at another time", 3, wrongTime],
  ["signed for another evaluator", 3, wrongEvaluator],
  ["signed for another period", 4, wrongPeriod],
  ["nonsense path", 6, nonsensePath],
  ["random headers", 3, randomHeaders],
  ["framing", 3, framing],
  ["bytes of the head changed", 3, changedBytes],
  ["truncated", 2, truncated],
  ["random bytes", 2, randomStream],
];

const TOTAL = FUZZERS.reduce((sum, [, weight]) => sum + weight, 0);

/** The next request by chance. */
export async function fuzzedRequest(draw: Draw, material: FuzzMaterial): Promise<FuzzedRequest> {
  let left = draw() * TOTAL;
  const chosen = FUZZERS.find(([, weight]) => {
    left -= weight;
    return left < 0;
  })!;
  const [kind, , fuzz] = chosen;
  return { kind, ...(await fuzz(draw, material)) };
}

/** To tell a request again in a message. */
export const nameOf = ({ kind, bytes }: FuzzedRequest): string =>
  `${kind} (${createHash("sha256").update(bytes).digest("hex").slice(0, 12)})`;
