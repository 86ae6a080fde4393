// hushwatt init: makes the folder of a new market, from which the registrar enrols its parties.
import { join } from "node:path";
import { systemClock } from "../../platform/clock.ts";
import {
  type Address,
  initMarket,
  type NewEvaluator,
  type NewWebAddress,
} from "../../registrar/init-market.ts";
import { activeCount, type Setting } from "../../wire/setting.ts";
import {
  firstPeriodAfter,
  firstPeriodAt,
  idFromName,
  LOCAL_DEALER,
  LOCAL_REGISTRAR,
  LOCAL_REGISTRAR_WEB,
  localEvaluators,
  newMarketFile,
  withWeb,
} from "../new-market-options.ts";
import { refusalsAsInputErrors } from "../registrar-errors.ts";
import { chosenSetting, type SettingOptions } from "../setting-options.ts";
import { InputError, print } from "../terminal.ts";

export interface InitOptions extends SettingOptions {
  readonly name?: string;
  readonly market?: string;
  readonly id?: string;
  readonly supplier?: readonly string[];
  readonly evaluators?: readonly NewEvaluator[];
  readonly dealer?: NewEvaluator;
  readonly local?: boolean;
  readonly registrar?: Address;
  readonly evaluatorsWeb?: readonly NewWebAddress[];
  readonly registrarWeb?: NewWebAddress;
  readonly period: number;
  readonly firstPeriod?: number;
}

async function doInitCommand(folder: string, options: InitOptions): Promise<void> {
  const { name, market, supplier, local = false, period } = options;
  if (local === (options.evaluators !== undefined)) {
    throw new InputError(["say where the evaluators are: --evaluators HOST:PORT,... or --local"]);
  }
  const setting = settingOf(options);
  const dealer = dealerOf(options, setting);
  const evaluators = withWeb(
    options.evaluators ?? localEvaluators(setting.parties),
    options.evaluatorsWeb,
  );
  const registrar = options.registrar ?? (local ? LOCAL_REGISTRAR : null);
  const registrarWeb = options.registrarWeb ?? (local ? LOCAL_REGISTRAR_WEB : undefined);
  if (registrarWeb !== undefined && registrar === null) {
    throw new InputError(["--registrar-web needs a registrar's service: --registrar HOST:PORT"]);
  }
  const { firstPeriod: startS } = options;
  const firstPeriod =
    startS === undefined
      ? firstPeriodAfter(systemClock.utcMs(), period, local)
      : firstPeriodAt(startS, period);
  const { parameters, settlement } = await newMarketFile(market, name, supplier);
  if (parameters.suppliers === undefined) {
    throw new InputError([
      "a market has suppliers: --supplier NAME, once for each, or --market FILE",
    ]);
  }
  const id = options.id ?? idFromName(parameters.name);
  const schedule = { period_s: period, first_period: firstPeriod };
  const files = registrar === null ? "market.json and revocations.pem" : "market.json";
  const rules = { parameters, setting, schedule, settlement };
  const where = {
    evaluators,
    dealer,
    registrar,
    ...(registrarWeb === undefined ? {} : { registrarWeb }),
  };
  await initMarket(folder, { id, ...rules, ...where });
  const needed = activeCount(setting);
  print([
    `market ${id}: ${evaluators.length} evaluators, ${needed} of them compute; first period ${firstPeriod}`,
    `  ${join(folder, "market.json")}  for everybody`,
    `  ${join(folder, "evaluator-N.json")}  for evaluator N, with ${files}`,
    ...(dealer === null ? [] : [`  ${join(folder, "dealer.json")}  for the dealer, with ${files}`]),
    `  ${join(folder, "registrar")}  the authority's key and the registry: keep it secret, back it up`,
    "next:",
    "  each evaluator N:  hushwatt request evaluator N --out evaluator-N",
    ...(dealer === null ? [] : ["  the dealer:        hushwatt request dealer --out dealer-0"]),
    `  then here:         hushwatt enrol evaluator --request FILE --registry ${folder} --out certificate.pem`,
    "  suppliers, operators and meters likewise; or, for many meters:",
    `                     hushwatt enrol code --supplier NAME --count 20 --registry ${folder}`,
    ...(registrar === null ? [] : [`  registrar:         hushwatt registrar --market ${folder}`]),
  ]);
}

function settingOf({ evaluators, engine, parties, threshold, security, algorithm }: InitOptions) {
  if (engine === "plain") {
    throw new InputError(["--engine plain is for single clearings (hushwatt clear)"]);
  }
  const count = evaluators?.length;
  if (parties !== undefined && count !== undefined && parties !== count) {
    throw new InputError([`--parties is ${parties}, and --evaluators has ${count}`]);
  }
  const all = parties ?? count;
  return chosenSetting({
    engine,
    ...(all === undefined ? {} : { parties: all }),
    ...(threshold === undefined ? {} : { threshold }),
    ...(security === undefined ? {} : { security }),
    ...(algorithm === undefined ? {} : { algorithm }),
  });
}

/** Where the dealer is; null in a market without one. */
function dealerOf(
  { dealer, local = false, evaluators = [] }: InitOptions,
  { engine }: Setting,
): NewEvaluator | null {
  if (engine !== "dealer") {
    if (dealer === undefined) return null;
    throw new InputError([`--dealer: only with --engine dealer, not with ${engine}`]);
  }
  const found = dealer ?? (local ? LOCAL_DEALER : null);
  if (found === null) {
    throw new InputError(["--engine dealer: say where the dealer is, --dealer HOST:PORT"]);
  }
  const places = ({ http, peers }: NewEvaluator) =>
    [http, peers].map(({ host, port }) => `${host} ${port}`);
  const taken = new Set(evaluators.flatMap(places));
  if (!places(found).some((place) => taken.has(place))) return found;
  throw new InputError(["--dealer: an evaluator has that port already"]);
}

export const initCommand = (...given: Parameters<typeof doInitCommand>): Promise<void> =>
  refusalsAsInputErrors(doInitCommand(...given));
