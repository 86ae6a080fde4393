// Messages between an operator's program and an evaluator: fixed bytes, and refusal of anything else.
import { describe, expect, it } from "vitest";
import {
  type Answer,
  answerSchema,
  type Command,
  commandSchema,
  decodeJson,
  encodeJson,
  MAX_JSON_BYTES,
  MAX_REJECTED_LISTED,
  MessageError,
} from "./session-messages.ts";
import { completeSetting } from "./setting.ts";

const clear: Command = {
  type: "clear",
  count: 2,
  priceBits: 12,
  energyBits: 16,
  priceRule: "midpoint",
  rationing: "pro-rata",
  revealedSuppliers: [true, false],
  setting: completeSetting({ engine: "replicated" }),
  dealing: null,
};

const cleared = {
  type: "cleared",
  attempt: 1,
  active: [0, 1, 2],
  traded: true,
  priceTick: 1825,
  rejected: [[1, "invalid-order"]],
  rejectedCount: 1,
  coin: "0f".repeat(32),
  offlineMs: 20.5,
  onlineMs: 17,
  bytesSent: 1234,
  elementsSent: 150,
  rounds: 90,
  onlineRounds: 64,
  peakRssBytes: 1,
} satisfies Answer;

const bytesOf = (text: string) => new TextEncoder().encode(text);

describe("messages", () => {
  it("are these bytes", () => {
    const address = { host: "127.0.0.1", port: 4711 };
    const peers: Command = { type: "peers", evaluators: [address, null, address], quorum: 2 };
    const one = '{"host":"127.0.0.1","port":4711}';
    expect(encodeJson(peers)).toEqual(
      bytesOf(`{"type":"peers","evaluators":[${one},null,${one}],"quorum":2}`),
    );
    expect(encodeJson(clear)).toEqual(
      bytesOf(
        '{"type":"clear","count":2,"priceBits":12,"energyBits":16,"priceRule":"midpoint",' +
          '"rationing":"pro-rata","revealedSuppliers":[true,false],' +
          '"setting":{"engine":"replicated","parties":3,"threshold":1,"security":"semi-honest",' +
          '"algorithm":"descent","priorityOrder":"public"},"dealing":null}',
      ),
    );
  });

  it("come back as they were", () => {
    expect(decodeJson(commandSchema, encodeJson(clear))).toEqual(clear);
    expect(decodeJson(answerSchema, encodeJson(cleared))).toEqual(cleared);
  });

  it("fit into the limit with the longest list of rejected orders", () => {
    const rejected = Array.from(
      { length: MAX_REJECTED_LISTED },
      (_, i): [number, "inconsistent-shares"] => [2_000_000 + i, "inconsistent-shares"],
    );
    expect(encodeJson({ ...cleared, rejected }).length).toBeLessThan(MAX_JSON_BYTES);
  });

  it.each([
    ["that is not JSON", "clear", /not JSON/],
    ["of no known type", '{"type":"open-all-shares"}', /type/],
    ["with an unknown field", JSON.stringify({ ...clear, seed: 1 }), /seed/],
    ["with too many orders", JSON.stringify({ ...clear, count: 2 ** 21 + 1 }), /count/],
    [
      "with too many suppliers",
      JSON.stringify({ ...clear, revealedSuppliers: Array(17).fill(true) }),
      /revealedSuppliers/,
    ],
    [
      "whose setting contradicts itself",
      JSON.stringify({ ...clear, setting: { ...clear.setting, parties: 5 } }),
      /exactly 3 evaluators/,
    ],
    [
      "with a threshold that its evaluators cannot withstand",
      JSON.stringify({ ...clear, setting: { ...clear.setting, threshold: 3 } }),
      /threshold|from 1 to 2/,
    ],
    [
      "with an engine of no name",
      JSON.stringify({ ...clear, setting: { ...clear.setting, engine: "garbled" } }),
      /engine/,
    ],
    ["with prices of 17 bits", JSON.stringify({ ...clear, priceBits: 17 }), /priceBits/],
  ])("%s is refused", (_what, text, said) => {
    const decode = () => decodeJson(commandSchema, bytesOf(text));
    expect(decode).toThrow(MessageError);
    expect(decode).toThrow(said);
  });
});
