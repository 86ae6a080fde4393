// Which parties a market has, and where they are.
import type { Party } from "../crypto/party.ts";
import type { MarketDocument } from "../market/market-document.ts";
import { RegistrarError } from "./registrar-error.ts";

/** Throws RegistrarError when the market has no such evaluator, supplier or dealer. */
export function checkPartyOf(market: MarketDocument, party: Party): void {
  const { evaluators, suppliers, dealer } = market;
  if (party.role === "dealer" && dealer === null) {
    throw new RegistrarError(`a market with the engine ${market.setting.engine} has no dealer`);
  }
  const count = { evaluator: evaluators.length, supplier: suppliers.length, dealer: 1 };
  if (!(party.role in count)) return;
  const most = count[party.role as keyof typeof count];
  if (/^(0|[1-9]\d*)$/.test(party.id) && Number(party.id) < most) return;
  const range = most === 1 ? "0" : `a number from 0 to ${most - 1}`;
  throw new RegistrarError(`there is no ${party.role} ${party.id}: it must be ${range}`);
}

/** The hosts at which a party serves HTTPS, for its certificate. */
export function hostsOf(market: MarketDocument, { role, id }: Party): string[] {
  const { evaluators, registrar, dealer } = market;
  const url = role === "evaluator" ? evaluators[Number(id)]?.url : null;
  const single = role === "dealer" ? dealer : registrar;
  const served = role === "registrar" || role === "dealer" ? single?.url : url;
  return served === null || served === undefined ? [] : [hostOf(served)];
}

/** The host in a URL, an IPv6 address without its brackets. */
const hostOf = (url: string): string => new URL(url).hostname.replace(/^\[|\]$/g, "");
