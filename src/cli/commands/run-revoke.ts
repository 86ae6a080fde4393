// hushwatt revoke: takes a party's certificates back, and signs the list of revoked ones.
import { join } from "node:path";
import { serialText } from "../../crypto/certificate-names.ts";
import { type Party, partyFromName, partyName } from "../../crypto/party.ts";
import { Registrar } from "../../registrar/registrar.ts";
import { refusalsAsInputErrors } from "../registrar-errors.ts";
import { InputError, print } from "../terminal.ts";

const METER_ID = /^[0-9a-f]{32}$/;

export interface RevokeOptions {
  readonly registry: string;
  readonly certificate?: string;
}

async function doRevoke(
  name: string | undefined,
  { registry: folder, certificate }: RevokeOptions,
): Promise<void> {
  const serial = certificate === undefined ? undefined : serialText(certificate);
  if (name === undefined && serial !== undefined) {
    throw new InputError(["--certificate: say whose it is, as in supplier-0"]);
  }
  const party = name === undefined ? null : partyOfName(name);
  const registrar = await Registrar.open(folder);
  try {
    const copy = `next: copy ${join(folder, "revocations.pem")} to every evaluator`;
    const url = registrar.market.registrar?.url;
    const next =
      url === undefined ? copy : `evaluators fetch it from the registrar's service at ${url}`;
    if (party === null) {
      print([`list ${await registrar.signRevocations()} of revoked certificates signed`, next]);
      return;
    }
    const { certificates, list } = await registrar.revoke(party, serial);
    const what =
      serial !== undefined
        ? `certificate ${serial}`
        : certificates === 1
          ? "its certificate"
          : `its ${certificates} certificates`;
    print([`${partyName(party)}: ${what} revoked; list ${list} signed`, next]);
  } finally {
    registrar.close();
  }
}

function partyOfName(name: string): Party {
  const party = METER_ID.test(name) ? ({ role: "meter", id: name } as const) : partyFromName(name);
  if (party !== null) return party;
  throw new InputError([
    `"${name}" is no party: a meter's id of 32 hexadecimal digits, or as in supplier-0`,
  ]);
}

export const revoke = (...given: Parameters<typeof doRevoke>): Promise<void> =>
  refusalsAsInputErrors(doRevoke(...given));
