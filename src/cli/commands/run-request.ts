// hushwatt request: makes a party's private key, where it is used, and the request for its certificate; with a one-time
// code it fetches a meter's certificate at once.
import { access } from "node:fs/promises";
import { join } from "node:path";
import { readMarketDocument } from "../../agents/market-file.ts";
import { httpsTransport } from "../../channel/https-transport.ts";
import { enrolByCode } from "../../client/enrol-by-code.ts";
import { createKeyAndRequest } from "../../crypto/certificates.ts";
import {
  installCertificate,
  readRequestAt,
  writeKeyAndRequest,
} from "../../crypto/identity-files.ts";
import { createMaskKey, MASK_KEY_FILE } from "../../crypto/mask-key-file.ts";
import { type Party, partyName } from "../../crypto/party.ts";
import { refusalsAsInputErrors } from "../registrar-errors.ts";
import { stopSignal } from "../stop-signal.ts";
import { InputError, print } from "../terminal.ts";

export interface RequestOptions {
  readonly out: string;
}

export interface MeterRequestOptions extends RequestOptions {
  readonly market?: string;
  readonly code?: string;
}

async function doMakeRequest(party: Party | "new-meter", out: string): Promise<void> {
  const path = await writeKeyAndRequest(out, await createKeyAndRequest(party));
  const isMeter = party === "new-meter";
  const [role, supplier] = isMeter ? ["meter", " --supplier NAME"] : [party.role, ""];
  print([
    `${isMeter ? "a new meter" : partyName(party)}: private key in ${join(out, "key.pem")}: it stays here`,
    `next: send ${path} to the registrar, who says`,
    `  hushwatt enrol ${role} --request FILE${supplier} --registry FOLDER --out certificate.pem`,
    `then put certificate.pem and authority.pem, which come back, into ${out}`,
  ]);
}

async function doRequestForMeter({ out, market, code }: MeterRequestOptions): Promise<void> {
  if (code === undefined) {
    if (market !== undefined) throw new InputError(["--market: only with --code"]);
    return doMakeRequest("new-meter", out);
  }
  if (market === undefined) {
    throw new InputError(["--code: needs --market FILE, which says where the registrar is"]);
  }
  const { registrar, authorityPem, suppliers } = await readMarket(market);
  if (registrar === null) {
    throw new InputError([
      `${market} names no registrar's address: send it a request without --code`,
    ]);
  }
  // After an exchange that failed half-way, the same key gets the same certificate.
  const hasKey = await access(join(out, "key.pem")).then(
    () => true,
    () => false,
  );
  if (!hasKey) await writeKeyAndRequest(out, await createKeyAndRequest("new-meter"));
  const request = await readRequestAt(out);
  const transport = httpsTransport({ authorityPem, server: { role: "registrar", id: "0" } });
  try {
    const { send } = transport;
    const issued = await enrolByCode(send, registrar.url, { code, request }, stopSignal());
    await installCertificate(out, { certificatePem: issued.certificate, authorityPem });
    print([
      `enrolled as meter ${issued.id}, customer of ${suppliers[issued.supplier]}; identity in ${out}`,
    ]);
  } finally {
    transport.close();
  }
}

const readMarket = (file: string) =>
  readMarketDocument(file).catch((error: Error) => {
    throw new InputError([error.message]);
  });

export const requestForMeter = (...given: Parameters<typeof doRequestForMeter>): Promise<void> =>
  refusalsAsInputErrors(doRequestForMeter(...given));

async function doMakeDealerRequest(out: string): Promise<void> {
  // Before the request, which cannot be made twice: where there is one, there is a secret.
  const secret = join(out, MASK_KEY_FILE);
  await createMaskKey(secret);
  await doMakeRequest({ role: "dealer", id: "0" }, out);
  print([`the secret that masks are made from is in ${secret}: it stays here too, back it up`]);
}

export const makeDealerRequest = (
  ...given: Parameters<typeof doMakeDealerRequest>
): Promise<void> => refusalsAsInputErrors(doMakeDealerRequest(...given));

export const makeRequest = (...given: Parameters<typeof doMakeRequest>): Promise<void> =>
  refusalsAsInputErrors(doMakeRequest(...given));
