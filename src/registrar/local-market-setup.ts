// A whole market on one machine, ready to be started: the market's folder, and in it a folder with key and certificate
// for each party, whose keys are made there. For rehearsals and tests: in earnest, every key stays with its owner.
import { createServer } from "node:net";
import { join } from "node:path";
import { createKeyAndRequest } from "../crypto/certificates.ts";
import { installCertificate, writeKeyAndRequest } from "../crypto/identity-files.ts";
import { createMaskKey, MASK_KEY_FILE } from "../crypto/mask-key-file.ts";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { type Party, partyName } from "../crypto/party.ts";
import { type MarketDocument, parseMarketDocument } from "../market/market-document.ts";
import { initMarket, type NewMarket } from "./init-market.ts";
import { marketPaths } from "./market-paths.ts";
import { Registrar } from "./registrar.ts";
import { RegistrarError } from "./registrar-error.ts";

export interface LocalMarketPlan
  extends Pick<
    NewMarket,
    "parameters" | "setting" | "schedule" | "settlement" | "rehearsal" | "logLevel"
  > {
  readonly id?: string;
  /** The supplier of each meter, by number. */
  readonly meters: readonly { readonly supplier: number }[];
  /** How many operators to enrol; 1 unless given. */
  readonly operators?: number;
  /** Whether the registrar serves enrolments; unless given it does not. */
  readonly registrar?: boolean;
  /** Whether browsers reach evaluators and registrar, in plain HTTP on this machine; unless given they do not. */
  readonly web?: boolean;
}

/** Paths of files and folders. */
export interface LocalMarketFiles {
  readonly market: MarketDocument;
  readonly marketFile: string;
  readonly revocations: string;
  /** The configuration of the registrar's service, or null. */
  readonly registrar: string | null;
  /** That of the dealer, or null. */
  readonly dealer: string | null;
  /** Configurations of the evaluators, by number. */
  readonly evaluators: readonly string[];
  /** Identities, by number; each meter's id is in its certificate. */
  readonly suppliers: readonly string[];
  readonly meters: readonly { readonly id: string; readonly identity: string }[];
  readonly operators: readonly string[];
}

const HOST = "127.0.0.1";

/** Makes all files of a market in `folder`, on ports of this machine that are free now. */
export async function setUpLocalMarket(
  folder: string,
  plan: LocalMarketPlan,
): Promise<LocalMarketFiles> {
  const { parties, engine } = plan.setting;
  const { id = "local", registrar: serves = false, web = false, ...market } = plan;
  const ports = await freePorts(3 * parties + 4);
  const at = (i: number) => ({ host: HOST, port: ports[i]! });
  const webAt = (i: number) => (web ? { url: `http://${HOST}:${ports[i]}` } : undefined);
  const evaluators = Array.from({ length: parties }, (_, i) => {
    const forBrowsers = webAt(3 * i + 2);
    return {
      name: `evaluator ${i}`,
      http: at(3 * i),
      peers: at(3 * i + 1),
      ...(forBrowsers === undefined ? {} : { web: forBrowsers }),
    };
  });
  const registrar = serves ? at(3 * parties) : null;
  const registrarWeb = webAt(3 * parties + 1);
  const dealer =
    engine === "dealer"
      ? { name: "dealer", http: at(3 * parties + 2), peers: at(3 * parties + 3) }
      : null;
  await initMarket(folder, {
    ...market,
    id,
    evaluators,
    dealer,
    registrar,
    ...(registrarWeb === undefined ? {} : { registrarWeb }),
  });
  return enrolledMarket(folder, plan, serves);
}

async function enrolledMarket(folder: string, plan: LocalMarketPlan, serves: boolean) {
  const registrar = await Registrar.open(folder);
  try {
    return { ...(await enrolAll(folder, plan, registrar)), ...filesOf(folder, serves, registrar) };
  } finally {
    registrar.close();
  }
}

function filesOf(folder: string, serves: boolean, { market }: Registrar) {
  const paths = marketPaths(folder);
  return {
    market: parseMarketDocument(market.text),
    marketFile: paths.market,
    revocations: paths.revocations,
    registrar: serves ? paths.service : null,
    dealer: market.dealer === null ? null : paths.dealer,
    evaluators: market.evaluators.map((_, i) => paths.evaluator(i)),
  };
}

async function enrolAll(folder: string, plan: LocalMarketPlan, registrar: Registrar) {
  const { market } = registrar;
  const enrolled = async (party: Party) => {
    const identity = join(folder, partyName(party));
    const made = await createKeyAndRequest(party);
    await writeKeyAndRequest(identity, made);
    await installCertificate(identity, await registrar.enrol(made.requestPem, party));
    return identity;
  };
  const all = (role: Party["role"], count: number) =>
    Promise.all(Array.from({ length: count }, (_, i) => enrolled({ role, id: String(i) })));
  await all("evaluator", market.evaluators.length);
  if (market.dealer !== null) {
    const [identity] = await all("dealer", 1);
    await createMaskKey(join(identity!, MASK_KEY_FILE));
  }
  const suppliers = await all("supplier", market.suppliers.length);
  const operators = await all("operator", plan.operators ?? 1);
  const meters = await Promise.all(
    plan.meters.map(async ({ supplier }, i) => {
      const identity = join(folder, `meter-${i}`);
      const made = await createKeyAndRequest("new-meter");
      await writeKeyAndRequest(identity, made);
      const issued = await registrar.enrol(made.requestPem, "new-meter", { supplier });
      await installCertificate(identity, issued);
      return { id: issued.party.id, identity };
    }),
  );
  return { suppliers, operators, meters };
}

// Below the range from which systems take ports for outgoing connections: nobody gets them by accident.
const FIRST_PORT = 20_000;
const PORT_RANGE = 12_000;
const TRIES = 200;

/** Different ports of this machine on which nobody listens now. */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  for (let tries = 0; found.size < count && tries < count + TRIES; tries++) {
    const [high, low] = nodePrimitives.randomBytes(2);
    const port = FIRST_PORT + ((high! * 256 + low!) % PORT_RANGE);
    if (!found.has(port) && (await isFree(port))) found.add(port);
  }
  if (found.size === count) return [...found];
  throw new RegistrarError("this machine has no free ports");
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, HOST, () => server.close(() => resolve(true)));
  });
}
